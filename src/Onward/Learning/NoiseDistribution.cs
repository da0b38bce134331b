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
    /// Signs whose directions in a step are orthogonal within each local loss; for rules that perturb activities, in a number of passes
    /// that is a power of two. With twice as many passes as a group has channels the estimate of a block without token mixing is exact.
    /// </summary>
    public static NoiseDistribution Orthogonal { get; } = new OrthogonalPerturbation();

    /// <summary>The name, for messages and for checkpoints; with the settings, where a distribution of your own has some.</summary>
    public virtual string Description => GetType().Name;

    /// <summary>Draws consecutive numbers of one layer's direction.</summary>
    /// <param name="stream">
    /// Seed, step, pass and layer; and the example whose activities are perturbed or, where weights are, 0 for the weight and 1
    /// for the bias.
    /// </param>
    /// <param name="firstElement">Place of the first number in the example's [patch, channel] array, or in the parameter.</param>
    /// <param name="noise">Receives the numbers.</param>
    public abstract void Draw(in RandomStream stream, int firstElement, Span<float> noise);

    /// <summary>The distribution for the activities of a model, with all directions of a step in view.</summary>
    /// <param name="model">The model whose activities are perturbed.</param>
    /// <param name="passes">Directions in a step.</param>
    /// <exception cref="ArgumentException">There are no such sets of directions.</exception>
    internal virtual NoiseDistribution ForActivities(LocalMixer model, int passes) => this;

    /// <summary>The distribution for weights.</summary>
    /// <exception cref="ArgumentException">The distribution is for activities alone.</exception>
    internal virtual NoiseDistribution ForWeights() => this;

    private sealed class GaussianPerturbation : NoiseDistribution
    {
        public override string Description => nameof(Gaussian);

        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise) => CounterRandom.Noise(stream, (uint)firstElement, noise);
    }

    private sealed class RademacherPerturbation : NoiseDistribution
    {
        public override string Description => nameof(Rademacher);

        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise) => CounterRandom.Signs(stream, (uint)firstElement, noise);
    }

    // A rule knows the model and the number of passes; on its own, a direction is orthogonal to nothing.
    private sealed class OrthogonalPerturbation : NoiseDistribution
    {
        public override string Description => nameof(Orthogonal);

        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise) =>
            throw new InvalidOperationException("Orthogonal directions are drawn in sets. Give the distribution to a rule, which knows how many it takes.");

        internal override NoiseDistribution ForActivities(LocalMixer model, int passes) => new OrthogonalNoise(model, passes);

        internal override NoiseDistribution ForWeights() =>
            throw new ArgumentException("Orthogonal directions are for rules that perturb activities. Perturb weights by Gaussian or Rademacher noise.");
    }
}
