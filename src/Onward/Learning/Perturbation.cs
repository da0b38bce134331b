using Onward.Kernels;

namespace Onward.Learning;

/// <summary>The distribution that directions are drawn from: independent numbers of mean 0 and variance 1.</summary>
public enum NoiseDistribution
{
    /// <summary>Standard normal, as in the paper.</summary>
    Gaussian,

    /// <summary>+1 or -1 with equal chance. Its fourth moment is 1 instead of 3, so an estimate varies a little less.</summary>
    Rademacher,
}

/// <summary>
/// Noise on the pre-activations: one number for each example, patch and channel, a pure function of the step's seed and
/// of where it enters, so that it depends on neither tiles nor threads.
/// </summary>
/// <param name="Distribution">What the numbers are drawn from.</param>
public sealed record ActivityPerturbation(NoiseDistribution Distribution)
{
    /// <summary>Draws consecutive numbers of one layer's noise for one example.</summary>
    /// <param name="stream">Seed, step, pass, layer and example.</param>
    /// <param name="firstElement">Place of the first number in the example's [patch, channel] array.</param>
    /// <param name="noise">Receives the numbers.</param>
    public void Draw(in RandomStream stream, int firstElement, Span<float> noise)
    {
        if (Distribution == NoiseDistribution.Gaussian)
        {
            CounterRandom.Normals(stream, (uint)firstElement, noise);
        }
        else
        {
            CounterRandom.Signs(stream, (uint)firstElement, noise);
        }
    }
}
