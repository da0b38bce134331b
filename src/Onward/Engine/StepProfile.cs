using System.Diagnostics;
using Onward.Models;

namespace Onward.Engine;

/// <summary>A part of a training step.</summary>
public enum StepPhase
{
    /// <summary>Packing the weights into the form that products read.</summary>
    PackWeights,

    /// <summary>Computing the values of all layers.</summary>
    Values,

    /// <summary>Evaluating the losses at the heads, and the gradients of the heads' outputs.</summary>
    Losses,

    /// <summary>Computing the gradients of the layers' outputs from the losses, by tangents and noise or by sending errors back.</summary>
    Differentiation,

    /// <summary>Packing the gradients of the layers' outputs into the form that products read.</summary>
    PackGradients,

    /// <summary>Multiplying inputs with output gradients, and the gradients of heads.</summary>
    WeightGradients,

    /// <summary>Updating the parameters.</summary>
    Update,
}

/// <summary>The cost of a phase: the time it took, summed over all threads, and the work it did.</summary>
/// <param name="Time">Time, summed over all threads.</param>
/// <param name="Flops">
/// Floating-point operations in matrix products of the blocks' layers, counted for values and weight gradients. The rest of
/// <see cref="TrainingStep.MatrixFlopsPerExample"/> belongs to differentiation.
/// </param>
/// <param name="Bytes">Bytes that the phase reads or writes at least once, in any cache.</param>
public readonly record struct PhaseCost(TimeSpan Time, double Flops, double Bytes);

/// <summary>A part of the work on a tile: in one block, or in all blocks that the stage goes through.</summary>
internal delegate void TilePart(ReadOnlySpan<BlockTile> tiles);

/// <summary>Collects the time that each phase of a step takes.</summary>
/// <remarks>
/// A step measures while it has a profile (<see cref="TrainingStep.Profile"/>). It then reads the clock twice for each
/// phase of each tile. The code of a phase knows nothing of it: the engine calls the phase through a wrapper. Wrappers may be
/// nested; the time of the inner phase is then not counted for the outer one.
/// </remarks>
public sealed class StepProfile
{
    // A cache line for each thread and phase, so that threads do not write to the same line.
    private const int Stride = 8;

    private static readonly int Phases = Enum.GetValues<StepPhase>().Length;

    private readonly int _threads;
    private readonly long[] _ticks;
    private readonly double[] _flops;
    private readonly double[] _bytes;
    private readonly long[] _nested; // of each thread, ticks that wrappers inside the phase under way have counted

    /// <summary>Creates a profile without any cost yet.</summary>
    /// <param name="threads">Threads of the team that steps run on.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no thread.</exception>
    public StepProfile(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _threads = threads;
        _ticks = new long[threads * Phases * Stride];
        _flops = new double[_ticks.Length];
        _bytes = new double[_ticks.Length];
        _nested = new long[threads * Stride];
    }

    /// <summary>The cost of a phase since the profile was created.</summary>
    /// <param name="phase">The phase.</param>
    public PhaseCost this[StepPhase phase]
    {
        get
        {
            IEnumerable<int> places = Enumerable.Range(0, _threads).Select(worker => Place(phase, worker));
            return new PhaseCost(
                TimeSpan.FromSeconds(places.Sum(place => _ticks[place]) / (double)Stopwatch.Frequency),
                places.Sum(place => _flops[place]),
                places.Sum(place => _bytes[place]));
        }
    }

    /// <summary>Wraps a part of the work on a tile.</summary>
    /// <param name="phase">The phase that the part belongs to.</param>
    /// <param name="part">The part.</param>
    /// <param name="work">The work of the part on one block's tile.</param>
    internal TilePart Around(StepPhase phase, TilePart part, Func<BlockTile, PhaseWork> work) => tiles =>
    {
        int worker = tiles[0].Worker;
        (long start, long outer) = Begin(worker);
        part(tiles);
        End(phase, worker, start, outer);
        foreach (BlockTile tile in tiles)
        {
            Add(phase, worker, 0, work(tile));
        }
    };

    /// <summary>Wraps a numbered job of a team.</summary>
    /// <param name="phase">The phase that the job belongs to.</param>
    /// <param name="job">The job: number and worker.</param>
    /// <param name="work">The work of the job of a number.</param>
    internal Action<int, int> Around(StepPhase phase, Action<int, int> job, Func<int, PhaseWork> work) => (number, worker) =>
    {
        (long start, long outer) = Begin(worker);
        job(number, worker);
        End(phase, worker, start, outer);
        Add(phase, worker, 0, work(number));
    };

    /// <summary>Wraps work that all threads share.</summary>
    /// <param name="phase">The phase that the work belongs to.</param>
    /// <param name="action">The work; it returns the bytes that it moved.</param>
    internal Func<double> Around(StepPhase phase, Func<double> action) => () =>
    {
        long start = Stopwatch.GetTimestamp();
        double bytes = action();
        long ticks = Stopwatch.GetTimestamp() - start;
        for (int worker = 0; worker < _threads; worker++)
        {
            Add(phase, worker, ticks, new PhaseWork(0, bytes / _threads));
        }

        return bytes;
    };

    private (long Start, long Outer) Begin(int worker)
    {
        long outer = _nested[worker * Stride];
        _nested[worker * Stride] = 0;
        return (Stopwatch.GetTimestamp(), outer);
    }

    private void End(StepPhase phase, int worker, long start, long outer)
    {
        long ticks = Stopwatch.GetTimestamp() - start;
        Add(phase, worker, ticks - _nested[worker * Stride], default);
        _nested[worker * Stride] = outer + ticks;
    }

    private void Add(StepPhase phase, int worker, long ticks, PhaseWork work)
    {
        int place = Place(phase, worker);
        _ticks[place] += ticks;
        _flops[place] += work.Flops;
        _bytes[place] += work.Bytes;
    }

    private static int Place(StepPhase phase, int worker) => ((worker * Phases) + (int)phase) * Stride;
}

/// <summary>The work of one phase.</summary>
/// <param name="Flops">Floating-point operations in matrix products of the blocks' layers.</param>
/// <param name="Bytes">Bytes that are read or written at least once.</param>
internal readonly record struct PhaseWork(double Flops, double Bytes);

/// <summary>The work that a profile counts for a block, summed over the layers.</summary>
/// <param name="Flops">Floating-point operations for the values of one example.</param>
/// <param name="Bytes">Bytes of one example's inputs and outputs.</param>
/// <param name="WeightBytes">Bytes of the packed weights.</param>
internal readonly record struct BlockWork(double Flops, double Bytes, double WeightBytes)
{
    internal static BlockWork Of(NetworkBlock block) => new(
        block.FlopsPerExample,
        sizeof(float) * block.Layers.Sum(
            layer => ((double)layer.InputPositions * layer.Map.Inputs) + ((double)layer.Positions * layer.Map.Outputs)),
        sizeof(float) * block.Layers.Sum(layer => (double)layer.Map.PackedWeightLength));

    /// <summary>The work of computing the values of some examples.</summary>
    internal PhaseWork Values(int examples) => new(examples * Flops, WeightBytes + (examples * Bytes));

    /// <summary>The work of differentiating some examples.</summary>
    internal PhaseWork Differentiation(int examples) => new(0, WeightBytes + (examples * Bytes));
}
