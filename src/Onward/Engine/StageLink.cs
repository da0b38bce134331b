using Onward.Communication;
using Onward.Kernels;

namespace Onward.Engine;

/// <summary>
/// Receives activations from the previous pipeline stage and sends them to the next. Nothing passes back, so a stage waits only for a
/// next stage that is several waves behind. The labels of a batch are sent first, then its waves in order.
/// </summary>
internal sealed class StageLink
{
    // Waves under way between two stages: enough that neither stage waits while the other works on a wave.
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
    /// <param name="labels">The labels of the batch; used in the first stage only.</param>
    /// <param name="examples">Examples in the batch.</param>
    /// <param name="sweeps">Number of times that the batch will pass.</param>
    /// <returns>The labels of the batch.</returns>
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

    /// <summary>Waits for the input of the next wave and returns it; empty in the first stage.</summary>
    internal Memory<float> Take()
    {
        if (IsFirst)
        {
            return default;
        }

        _arrivals[_taken % Waves].Wait();
        return _arriving[_taken % Waves];
    }

    /// <summary>Releases the input that was taken, so that its memory can receive another wave.</summary>
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

    /// <summary>Sends a copy of a wave's output to the next stage.</summary>
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

    /// <summary>Lets transfers under way proceed.</summary>
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
