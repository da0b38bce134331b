using Onward.Kernels;

namespace Onward.Learning;

/// <summary>
/// Noise on the pre-activations: one number for each example, patch and channel, independent, of mean 0 and variance 1.
/// The numbers are a pure function of the stream and their place, so that they depend on neither tiles nor threads.
/// </summary>
public abstract class ActivityPerturbation
{
    /// <summary>Standard normal noise, as in the paper.</summary>
    public static ActivityPerturbation Gaussian { get; } = new GaussianPerturbation();

    /// <summary>+1 or -1 with equal chance. Its fourth moment is 1 instead of 3, so an estimate varies a little less.</summary>
    public static ActivityPerturbation Rademacher { get; } = new RademacherPerturbation();

    /// <summary>Draws consecutive numbers of one layer's noise for one example.</summary>
    /// <param name="stream">Seed, step, pass, layer and example.</param>
    /// <param name="firstElement">Place of the first number in the example's [patch, channel] array.</param>
    /// <param name="noise">Receives the numbers.</param>
    public abstract void Draw(in RandomStream stream, int firstElement, Span<float> noise);

    private sealed class GaussianPerturbation : ActivityPerturbation
    {
        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise) => CounterRandom.Normals(stream, (uint)firstElement, noise);
    }

    private sealed class RademacherPerturbation : ActivityPerturbation
    {
        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise) => CounterRandom.Signs(stream, (uint)firstElement, noise);
    }
}
