using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Autodiff;

/// <summary>Computes the tangents along the noise, and estimates gradients from the noise and the tangents of each block's loss.</summary>
internal abstract class PerturbedSweep<T>(
    IReadOnlyDictionary<string, Tensor<T>> parameters, SweepNoise noise) : ForwardSweep<T>(parameters)
    where T : struct, IFloatingPointIeee754<T>
{
    private readonly Dictionary<string, DualTensor<T>> _perturbed = [];
    private readonly HashSet<string> _readInBlock = [];

    protected SweepNoise Noise { get; } = noise;

    private protected sealed override DualTensor<T> Read(string name)
    {
        if (_perturbed.Count == 0)
        {
            PerturbParameters();
        }

        _readInBlock.Add(name);
        return _perturbed[name];
    }

    private protected sealed override void CreditBlock(DualTensor<T> loss, DualTensor<T> mean)
    {
        if (loss.Directions > 0)
        {
            CreditParameters(mean);
        }

        CreditActivities(loss);
        _readInBlock.Clear();
    }

    /// <summary>Adds the estimates of the block's affine maps and discards their noise.</summary>
    protected abstract void CreditActivities(DualTensor<T> loss);

    // The noise of all parameters is one vector, in the order of their names.
    private void PerturbParameters()
    {
        int start = 0;
        foreach ((string name, DenseArray<T> value) in Values)
        {
            _perturbed[name] = new(value, Noise.ForParameter<T>(start, value.Shape));
            start = checked(start + Shapes.Count(value.Shape));
        }
    }

    // The estimate is (1/M) Σ_m g_m v_m, where g_m is the derivative of the mean loss along v_m.
    private void CreditParameters(DualTensor<T> mean)
    {
        foreach (string name in _readInBlock)
        {
            for (int pass = 0; pass < Noise.Passes; pass++)
            {
                DenseArray<T> credit = new([], [mean.Tangent(pass)[0] / T.CreateChecked(Noise.Passes)]);
                AddEstimate(name, credit * _perturbed[name].TangentOrZero(pass));
            }
        }
    }
}
