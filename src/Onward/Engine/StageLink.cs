using Onward.Communication;
using Onward.Kernels;

namespace Onward.Engine;

/// <summary>
/// Takes activations from the stage before, and hands them to the stage after. Nothing ever comes back: a stage is only held up
/// by one that is several waves behind. The labels of a batch go first, then its waves, in order.
/// </summary>
internal sealed class StageLink
{
    // Waves under way between two stages: enough that neither waits while the other is at work on one.
    private const int Waves = 4;

    private readonly Communicator _chain;
    private readonly int _waveExamples;
    private readonly Memory<float>[] _arriving;
    private readonly Memory<float>[] _leaving;
    private readonly Transfer[] _arrivals = [.. Enumerable.Repeat(Transfer.Done, Waves)];
    private readonly Transfer[] _departures = [.. Enumerable.Repeat(Transfer.Done, Waves)];
    private readonly Transfer[] _labelsGone = [.. Enumerable.Repeat(Transfer.Done, Waves)];
    private readonly int[][] _labels = [.. Enumerable.Repeat(Array.Empty<int>(), Waves)];
    private int _step;
    private int _expected;
    private int _asked;
    private int _taken;
    private int _sent;

    /// <summary>Allocates memory for the waves under way.</summary>
    /// <param name="chain">The stages.</param>
    /// <param name="wave">The waves that pass.</param>
    internal StageLink(Communicator chain, Wave wave)
    {
        (_chain, _waveExamples) = (chain, wave.Examples);
        int length = checked(wave.Examples * wave.OutputLength);
        _arriving = [.. Enumerable.Range(0, IsFirst ? 0 : Waves).Select(_ => AlignedMemory.Allocate(length))];
        _leaving = [.. Enumerable.Range(0, IsLast ? 0 : Waves).Select(_ => AlignedMemory.Allocate(length))];
    }

    internal long Length => _arriving.Concat(_leaving).Sum(m => (long)m.Length);

    private bool IsFirst => _chain.Rank == 0;

    private bool IsLast => _chain.Rank == _chain.Count - 1;

    /// <summary>Begins a batch.</summary>
    /// <param name="labels">Its labels; looked at in the first stage alone.</param>
    /// <param name="examples">Their number.</param>
    /// <param name="sweeps">How often the batch will pass.</param>
    /// <returns>Its labels.</returns>
    internal ReadOnlyMemory<int> Begin(ReadOnlyMemory<int> labels, int examples, int sweeps)
    {
        int slot = _step++ % Waves;
        _labelsGone[slot].Wait();
        if (_labels[slot].Length != examples)
        {
            _labels[slot] = new int[examples];
        }

        if (IsFirst)
        {
            labels.CopyTo(_labels[slot]);
        }
        else
        {
            _chain.BeginReceive(_labels[slot].AsMemory(), _chain.Rank - 1).Wait();
            (_expected, _asked, _taken) = (sweeps * ((examples + _waveExamples - 1) / _waveExamples), 0, 0);
            while (_asked < Math.Min(_expected, Waves))
            {
                Ask();
            }
        }

        if (!IsLast)
        {
            _labelsGone[slot] = _chain.BeginSend<int>(_labels[slot], _chain.Rank + 1);
        }

        return _labels[slot];
    }

    /// <summary>The next wave's input, once it has come; none in the first stage.</summary>
    internal Memory<float> Take()
    {
        if (IsFirst)
        {
            return default;
        }

        _arrivals[_taken % Waves].Wait();
        return _arriving[_taken % Waves];
    }

    /// <summary>Gives back the input that was taken.</summary>
    internal void Release()
    {
        if (!IsFirst)
        {
            _taken++;
            if (_asked < _expected)
            {
                Ask();
            }
        }
    }

    /// <summary>Hands on a wave's output, which is copied.</summary>
    internal void Send(ReadOnlyMemory<float> output)
    {
        if (!IsLast)
        {
            int slot = _sent++ % Waves;
            _departures[slot].Wait();
            output.CopyTo(_leaving[slot]);
            _departures[slot] = _chain.BeginSend<float>(_leaving[slot][..output.Length], _chain.Rank + 1);
        }
    }

    /// <summary>Lets what is under way proceed.</summary>
    internal void Poll()
    {
        for (int slot = 0; slot < Waves; slot++)
        {
            _arrivals[slot].Poll();
            _departures[slot].Poll();
        }
    }

    private void Ask() => _arrivals[_asked % Waves] = _chain.BeginReceive(_arriving[_asked++ % Waves], _chain.Rank - 1);
}
