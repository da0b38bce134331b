using System.Diagnostics.CodeAnalysis;

namespace Onward.Kernels;

/// <summary>The purpose of a stream of random numbers. Streams of different purposes never overlap.</summary>
public enum RandomPurpose : byte
{
    /// <summary>The noise along which a directional derivative is taken.</summary>
    Perturbation,

    /// <summary>The first values of the parameters.</summary>
    Initialization,

    /// <summary>The order in which examples are visited.</summary>
    Shuffle,

    /// <summary>Synthetic data and random splits.</summary>
    Data,

    /// <summary>Random crops, flips and the like.</summary>
    Augmentation,

    /// <summary>The fixed matrices that feedback alignment sends errors back through.</summary>
    Feedback,

    /// <summary>The numbers that dropout sets to 0.</summary>
    Dropout,

    /// <summary>The tokens that a model of text writes.</summary>
    Sampling,
}

/// <summary>
/// The name of one stream of random numbers. Element e of a stream is a pure function of the name and e. It does not depend on the
/// order of calls, the thread or the width of the machine's vectors.
/// </summary>
/// <remarks>
/// The seed is the Philox key; the other fields fill three of the four words of its counter (<see cref="CounterRandom"/>).
/// Two names that differ in any field are two disjoint sets of (key, counter) pairs.
/// </remarks>
/// <param name="Seed">The seed of the run.</param>
/// <param name="Purpose">The purpose of the numbers.</param>
/// <param name="Step">The training step, or the epoch, or another number that the purpose counts.</param>
/// <param name="Pass">The direction within the step, at most <see cref="MaximumPass"/>.</param>
/// <param name="Layer">The layer, parameter or site within the pass, at most <see cref="MaximumLayer"/>.</param>
/// <param name="Example">The example within the step, or within the data set.</param>
[SuppressMessage("Naming", "CA1711", Justification = "A stream of random numbers, the word of the literature.")]
public readonly record struct RandomStream(
    ulong Seed, RandomPurpose Purpose, uint Step = 0, uint Pass = 0, uint Layer = 0, uint Example = 0)
{
    /// <summary>The largest <see cref="Pass"/>: twelve bits of the counter.</summary>
    public const uint MaximumPass = (1u << 12) - 1;

    /// <summary>The largest <see cref="Layer"/>: sixteen bits of the counter.</summary>
    public const uint MaximumLayer = (1u << 16) - 1;

    private const uint MaximumPurpose = (1u << 4) - 1;

    /// <summary>The purpose of the numbers.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value does not fit four bits.</exception>
    public RandomPurpose Purpose { get; init => field = CheckPurpose(value); } = CheckPurpose(Purpose);

    /// <summary>The direction within the step.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value exceeds <see cref="MaximumPass"/>.</exception>
    public uint Pass { get; init => field = CheckPass(value); } = CheckPass(Pass);

    /// <summary>The layer, parameter or site within the pass.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value exceeds <see cref="MaximumLayer"/>.</exception>
    public uint Layer { get; init => field = CheckLayer(value); } = CheckLayer(Layer);

    /// <summary>The fourth word of the Philox counter: four bits of purpose, twelve of pass, sixteen of layer.</summary>
    internal uint Site => ((uint)Purpose << 28) | (Pass << 16) | Layer;

    private static RandomPurpose CheckPurpose(RandomPurpose purpose) => (uint)purpose <= MaximumPurpose
        ? purpose
        : throw new ArgumentOutOfRangeException(
            nameof(purpose), purpose, $"A purpose has four bits of the counter; use a named value of {nameof(RandomPurpose)}.");

    private static uint CheckPass(uint pass) => pass <= MaximumPass
        ? pass
        : throw new ArgumentOutOfRangeException(
            nameof(pass), pass, $"A pass has twelve bits of the counter, at most {MaximumPass}; use more steps with fewer passes.");

    private static uint CheckLayer(uint layer) => layer <= MaximumLayer
        ? layer
        : throw new ArgumentOutOfRangeException(
            nameof(layer),
            layer,
            $"A layer has sixteen bits of the counter, at most {MaximumLayer}; number the layers of one network from 0.");
}
