using System.Numerics;

namespace Onward.Autodiff;

/// <summary>
/// The operations of one block in the order in which they ran, each with the transposes of its linear maps: reverse-mode
/// differentiation is to walk back over them.
/// </summary>
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

    /// <summary>
    /// Sends an error back to all that was recorded without inputs, and ends the tape: what each operation had kept is freed
    /// as soon as it is passed, and tensors that outlive the tape are constants from here on.
    /// </summary>
    /// <param name="from">Where the error starts; null if nothing recorded leads there.</param>
    /// <param name="error">The error, of the shape of the tensor there.</param>
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

/// <summary>One tensor on a tape.</summary>
internal sealed class TapeEntry<T>(Tape<T> tape, int[] shape, TapeInput<T>[] inputs)
    where T : struct, IFloatingPointIeee754<T>
{
    private TapeInput<T>[] _inputs = inputs;

    /// <summary>The tape, until it has been walked.</summary>
    public Tape<T>? Tape { get; private set; } = tape;

    /// <summary>What has come back so far; it stays where there are no inputs to send it to.</summary>
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

/// <summary>An input of an operation, and the transpose of the linear map from its tangent to that of the result.</summary>
internal readonly record struct TapeInput<T>(TapeEntry<T> Entry, Func<DenseArray<T>, DenseArray<T>> Transpose)
    where T : struct, IFloatingPointIeee754<T>;
