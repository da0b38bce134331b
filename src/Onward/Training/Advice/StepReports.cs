using Onward.Communication;
using Onward.Engine;

namespace Onward.Training;

/// <summary>What a step came to in all processes together, and what they asked for in it.</summary>
/// <param name="BlockLosses">Mean local loss of each block.</param>
/// <param name="ReadoutLoss">Mean loss of the final head.</param>
/// <param name="Mistakes">Examples that it got wrong.</param>
/// <param name="KeepsRun">Whether a checkpoint is due.</param>
/// <param name="Stops">Whether the run is to end.</param>
internal readonly record struct StepReport(double[] BlockLosses, double ReadoutLoss, int Mistakes, bool KeepsRun, bool Stops)
{
    internal bool IsFinite => double.IsFinite(ReadoutLoss) && BlockLosses.All(double.IsFinite);
}

/// <summary>
/// Adds up what steps measured over all processes, and brings them to the same decisions in the same step. Where processes have
/// blocks of their own, the first is steps ahead of the last: a report is then taken several steps after its own, so that
/// none waits for another.
/// </summary>
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

    /// <summary>Steps that a report is behind.</summary>
    internal int Lag { get; }

    /// <summary>Reports that are under way.</summary>
    internal int UnderWay => _begun - _taken;

    /// <summary>Sends off what this process has to report of a step.</summary>
    internal void Begin(StepResult result, bool keepsRun, bool stops)
    {
        int slot = _begun++ % _sums.Length, blocks = result.BlockLosses.Length;
        double[] numbers = _numbers[slot];
        result.BlockLosses.CopyTo(numbers, 0);
        (numbers[blocks], numbers[blocks + 1]) = (result.ReadoutLoss, result.Mistakes);
        (numbers[blocks + 2], numbers[blocks + 3]) = (keepsRun ? 1 : 0, stops ? 1 : 0);
        _sums[slot] = _world.BeginSum(numbers.AsMemory());
    }

    /// <summary>The oldest report under way; overwritten by the next.</summary>
    internal StepReport Take()
    {
        int slot = _taken++ % _sums.Length, blocks = _blockLosses.Length;
        _sums[slot].Wait();
        double[] numbers = _numbers[slot];
        numbers.AsSpan(0, blocks).CopyTo(_blockLosses);
        return new StepReport(_blockLosses, numbers[blocks], (int)numbers[blocks + 1], numbers[blocks + 2] > 0, numbers[blocks + 3] > 0);
    }

    /// <summary>Whether any process asks for something, in a step that all take together.</summary>
    internal (bool KeepsRun, bool Stops) Agree(bool keepsRun, bool stops)
    {
        (_votes[0], _votes[1]) = (keepsRun ? 1 : 0, stops ? 1 : 0);
        _world.Sum(_votes.AsMemory());
        return (_votes[0] > 0, _votes[1] > 0);
    }
}
