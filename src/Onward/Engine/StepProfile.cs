using System.Diagnostics;

namespace Onward.Engine;

/// <summary>What a training step spends its time on.</summary>
public enum StepPhase
{
    /// <summary>Bringing the step's weights into the form that products read.</summary>
    PackWeights,

    /// <summary>Values of all layers.</summary>
    Values,

    /// <summary>The heads' losses and the gradients of their outputs.</summary>
    Losses,

    /// <summary>What the rule makes of the losses: tangents and noise, or errors sent back.</summary>
    Differentiation,

    /// <summary>Bringing output gradients into the form that products read.</summary>
    PackGradients,

    /// <summary>Products of inputs with output gradients, and the gradients of heads.</summary>
    WeightGradients,

    /// <summary>The optimiser, where a step updates each slice of the parameters as soon as its gradient is there.</summary>
    Update,
}

/// <summary>What a phase took, of all threads together, and what it had to do.</summary>
/// <param name="Time">Time of threads.</param>
/// <param name="Flops">
/// Floating-point operations in matrix products of the blocks' layers, counted for values and weight gradients; what is left
/// of <see cref="LearningRule.MatrixFlopsPerExample"/> is differentiation's.
/// </param>
/// <param name="Bytes">Bytes that the phase reads or writes at least once, in whatever cache they are.</param>
public readonly record struct PhaseCost(TimeSpan Time, double Flops, double Bytes);

/// <summary>
/// Adds up where steps spend their time. A rule measures while it has one (<see cref="LearningRule.Profile"/>), at the price of a
/// look at the clock for each phase of each tile.
/// </summary>
public sealed class StepProfile
{
    // A cache line for each thread and phase, so that threads do not hold one another up.
    private const int Stride = 8;

    private static readonly int Phases = Enum.GetValues<StepPhase>().Length;

    private readonly int _threads;
    private readonly long[] _ticks;
    private readonly double[] _flops;
    private readonly double[] _bytes;

    /// <summary>Starts at 0.</summary>
    /// <param name="threads">Threads of the team that steps run on.</param>
    public StepProfile(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _threads = threads;
        _ticks = new long[threads * Phases * Stride];
        _flops = new double[_ticks.Length];
        _bytes = new double[_ticks.Length];
    }

    /// <summary>The cost of a phase since the profile was made.</summary>
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

    /// <summary>The moment at which the first phase begins.</summary>
    internal static long Begin(StepProfile? profile) => profile is null ? 0 : Stopwatch.GetTimestamp();

    /// <summary>Adds what one thread has done since a moment, and gives the moment at which the next phase begins.</summary>
    internal long Add(StepPhase phase, int worker, long since, double flops, double bytes)
    {
        long now = Stopwatch.GetTimestamp();
        int place = Place(phase, worker);
        _ticks[place] += now - since;
        _flops[place] += flops;
        _bytes[place] += bytes;
        return now;
    }

    /// <summary>The same for something done in the midst of another phase, which it is taken off again.</summary>
    internal void AddWithin(StepPhase outer, StepPhase phase, int worker, long since, double bytes)
    {
        long now = Add(phase, worker, since, 0, bytes);
        _ticks[Place(outer, worker)] -= now - since;
    }

    private static int Place(StepPhase phase, int worker) => ((worker * Phases) + (int)phase) * Stride;
}
