using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>Records each block on a tape, and sends the error of its loss back to the parameters that the block read.</summary>
/// <param name="parameters">The parameters by name.</param>
/// <param name="feedback">Returns the matrix [q, p] that replaces a weight's transpose, given its name and shape [p, q]. Null for
/// the transpose itself.</param>
internal sealed class RecordingSweep<T>(IReadOnlyDictionary<string, Tensor<T>> parameters, Func<string, int[], DenseArray<T>>? feedback)
    : ForwardSweep<T>(parameters)
    where T : struct, IFloatingPointIeee754<T>
{
    private readonly Dictionary<string, DualTensor<T>> _readInBlock = [];
    private Tape<T> _tape = new();

    private protected override DualTensor<T> Read(string name)
    {
        if (!_readInBlock.TryGetValue(name, out DualTensor<T>? parameter))
        {
            parameter = new(Value(name), _tape);
            _readInBlock[name] = parameter;
        }

        return parameter;
    }

    private protected override DualTensor<T> Map(DualTensor<T> x, string weight, string? bias)
    {
        DualTensor<T> z = x.MatMul(Read(weight), feedback?.Invoke(weight, Value(weight).Shape));
        return bias is null ? z : z + Read(bias);
    }

    private protected override void CreditBlock(DualTensor<T> loss, DualTensor<T> mean)
    {
        _tape.WalkBack(mean.Recorded, new([], [T.One]));
        foreach ((string name, DualTensor<T> parameter) in _readInBlock)
        {
            if (parameter.Error is not null)
            {
                AddEstimate(name, parameter.Error);
            }
        }

        _readInBlock.Clear();
        _tape = new();
    }
}
