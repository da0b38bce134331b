using Onward.Kernels;
using Onward.Models;

namespace Onward.Learning;

/// <summary>
/// What the directions of forward gradients are drawn from: independent numbers of mean 0 and variance 1. They are a pure
/// function of the stream and their place, so that they depend on neither tiles nor threads.
/// </summary>
public abstract class NoiseDistribution
{
    /// <summary>Standard normal noise, as in the paper: <see cref="CounterRandom.Noise"/>.</summary>
    public static NoiseDistribution Gaussian { get; } = new GaussianPerturbation();

    /// <summary>+1 or -1 with equal chance. Its fourth moment is 1 instead of 3, so an estimate varies a little less.</summary>
    public static NoiseDistribution Rademacher { get; } = new RademacherPerturbation();

    /// <summary>
    /// Signs whose sets of <paramref name="passes"/> directions are orthogonal within each local loss, for activities. With
    /// twice as many passes as a group has channels the estimate of a block without token mixing is exact.
    /// </summary>
    /// <param name="model">The model whose activities are perturbed.</param>
    /// <param name="passes">Directions in a step; a power of two.</param>
    /// <exception cref="ArgumentException"><paramref name="passes"/> is no power of two.</exception>
    public static NoiseDistribution Orthogonal(LocalMixer model, int passes) => new OrthogonalNoise(model, passes);

    /// <summary>Draws consecutive numbers of one layer's direction.</summary>
    /// <param name="stream">
    /// Seed, step, pass and layer; and the example whose activities are perturbed or, where weights are, 0 for the weight and 1
    /// for the bias.
    /// </param>
    /// <param name="firstElement">Place of the first number in the example's [patch, channel] array, or in the parameter.</param>
    /// <param name="noise">Receives the numbers.</param>
    public abstract void Draw(in RandomStream stream, int firstElement, Span<float> noise);

    private sealed class GaussianPerturbation : NoiseDistribution
    {
        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise) => CounterRandom.Noise(stream, (uint)firstElement, noise);
    }

    private sealed class RademacherPerturbation : NoiseDistribution
    {
        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise) => CounterRandom.Signs(stream, (uint)firstElement, noise);
    }
}
