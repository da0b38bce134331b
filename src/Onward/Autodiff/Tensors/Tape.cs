using System.Numerics;

namespace Onward.Autodiff;

/// <summary>The operations of one block in order of execution, each with the transposes of its linear maps.</summary>
/// <remarks>Reverse-mode differentiation walks the tape backwards.</remarks>
internal sealed class Tape<T>
    where T : struct, IFloatingPointIeee754<T>
{
    private readonly List<TapeEntry<T>> _entries = [];

    public TapeEntry<T> Record(int[] shape, params TapeInput<T>[] inputs)
    {
        TapeEntry<T> entry = new(this, shape, inputs);
        _entries.Add(entry);
        return entry;
    }

    /// <summary>Sends an error back to all entries recorded without inputs, and ends the tape.</summary>
    /// <remarks>The memory of each operation is freed as soon as it is passed. Tensors that outlive the tape become constants.</remarks>
    /// <param name="from">Entry at which the error starts; null if no recorded operation leads there.</param>
    /// <param name="error">The error, with the shape of that entry.</param>
    public void WalkBack(TapeEntry<T>? from, DenseArray<T> error)
    {
        from?.Receive(error);
        for (int i = _entries.Count - 1; i >= 0; i--)
        {
            _entries[i].SendBack();
        }

        _entries.Clear();
    }
}

/// <summary>A tensor on a tape.</summary>
internal sealed class TapeEntry<T>(Tape<T> tape, int[] shape, TapeInput<T>[] inputs)
    where T : struct, IFloatingPointIeee754<T>
{
    private TapeInput<T>[] _inputs = inputs;

    /// <summary>The tape; null after it was walked back.</summary>
    public Tape<T>? Tape { get; private set; } = tape;

    /// <summary>The error received so far. It is kept only by entries without inputs.</summary>
    public DenseArray<T>? Error { get; private set; }

    public void Receive(DenseArray<T> error)
    {
        error = error.SumTo(shape);
        Error = Error is null ? error : Error + error;
    }

    public void SendBack()
    {
        Tape = null;
        if (_inputs.Length == 0)
        {
            return;
        }

        if (Error is not null)
        {
            foreach ((TapeEntry<T> input, Func<DenseArray<T>, DenseArray<T>> transpose) in _inputs)
            {
                input.Receive(transpose(Error));
            }
        }

        Error = null;
        _inputs = [];
    }
}

/// <summary>An input of an operation, and the transpose of the linear map from the input's tangent to the result's tangent.</summary>
internal readonly record struct TapeInput<T>(TapeEntry<T> Entry, Func<DenseArray<T>, DenseArray<T>> Transpose)
    where T : struct, IFloatingPointIeee754<T>;
