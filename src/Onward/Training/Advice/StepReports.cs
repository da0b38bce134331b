using Onward.Communication;
using Onward.Engine;

namespace Onward.Training;

/// <summary>Measurements and requests of one step, combined over all processes.</summary>
/// <param name="BlockLosses">Mean local loss of each block. [block]</param>
/// <param name="ReadoutLoss">Mean loss of the final head.</param>
/// <param name="Mistakes">Number of examples that the final head classified wrongly.</param>
/// <param name="KeepsRun">True if a checkpoint is due.</param>
/// <param name="Stops">True if the run is to end.</param>
internal readonly record struct StepReport(double[] BlockLosses, double ReadoutLoss, int Mistakes, bool KeepsRun, bool Stops)
{
    internal bool IsFinite => double.IsFinite(ReadoutLoss) && BlockLosses.All(double.IsFinite);
}

/// <summary>
/// Sums the measurements of each step over all processes, so that all processes take the same decisions at the same step.
/// </summary>
/// <remarks>
/// With block parallelism, the first process is several steps ahead of the last one. A report is then read several steps late,
/// so that no process waits for another.
/// </remarks>
internal sealed class StepReports
{
    private readonly Communicator _world;
    private readonly double[][] _numbers;
    private readonly Transfer[] _sums;
    private readonly double[] _blockLosses;
    private readonly double[] _votes = new double[2];
    private int _begun;
    private int _taken;

    internal StepReports(RankGrid grid, int blocks)
    {
        _world = grid.World;
        Lag = grid.Stages == 1 ? 0 : 4 * grid.Stages;
        _numbers = [.. Enumerable.Range(0, Lag + 1).Select(_ => new double[blocks + 4])];
        _sums = new Transfer[Lag + 1];
        _blockLosses = new double[blocks];
    }

    /// <summary>Number of steps by which a report is read late.</summary>
    internal int Lag { get; }

    /// <summary>Number of reports sent but not yet read.</summary>
    internal int UnderWay => _begun - _taken;

    /// <summary>Starts to send this process's report of a step.</summary>
    internal void Begin(StepResult result, bool keepsRun, bool stops)
    {
        int slot = _begun++ % _sums.Length, blocks = result.BlockLosses.Length;
        double[] numbers = _numbers[slot];
        result.BlockLosses.CopyTo(numbers, 0);
        (numbers[blocks], numbers[blocks + 1]) = (result.ReadoutLoss, result.Mistakes);
        (numbers[blocks + 2], numbers[blocks + 3]) = (keepsRun ? 1 : 0, stops ? 1 : 0);
        _sums[slot] = _world.BeginSum(numbers.AsMemory());
    }

    /// <summary>Reads the oldest unread report. Its arrays are overwritten by the next one.</summary>
    internal StepReport Take()
    {
        int slot = _taken++ % _sums.Length, blocks = _blockLosses.Length;
        _sums[slot].Wait();
        double[] numbers = _numbers[slot];
        numbers.AsSpan(0, blocks).CopyTo(_blockLosses);
        return new StepReport(_blockLosses, numbers[blocks], (int)numbers[blocks + 1], numbers[blocks + 2] > 0, numbers[blocks + 3] > 0);
    }

    /// <summary>Combines the requests of all processes. Every process calls this in the same step.</summary>
    internal (bool KeepsRun, bool Stops) Agree(bool keepsRun, bool stops)
    {
        (_votes[0], _votes[1]) = (keepsRun ? 1 : 0, stops ? 1 : 0);
        _world.Sum(_votes.AsMemory());
        return (_votes[0] > 0, _votes[1] > 0);
    }
}
