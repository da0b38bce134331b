using System.Numerics;
using System.Numerics.Tensors;

namespace Onward.Kernels;

/// <summary>
/// The distribution of the directions of forward gradients. Each direction v has mean 0 and E[v vᵀ] = I, so that (∇·v) v has the
/// gradient ∇ as its mean. The numbers are a pure function of the stream and their place, so they do not depend on tiles or threads.
/// </summary>
public abstract class NoiseDistribution
{
    /// <summary>Standard normal noise, as in the paper: <see cref="CounterRandom.Noise"/>.</summary>
    public static NoiseDistribution Gaussian { get; } = new GaussianNoise();

    /// <summary>+1 or -1 with equal chance. Its fourth moment is 1 instead of 3, so an estimate varies a little less.</summary>
    public static NoiseDistribution Rademacher { get; } = new RademacherNoise();

    /// <summary>
    /// Signs whose directions in a step are orthogonal; the number of passes is a power of two. An estimate is exact if there
    /// are at least as many passes as numbers of noise that one loss depends on.
    /// </summary>
    public static NoiseDistribution Orthogonal { get; } = new OrthogonalNoise(1, []);

    /// <summary>The name, for messages and checkpoints. A distribution of your own adds its settings.</summary>
    public virtual string Description => GetType().Name;

    /// <summary>Draws consecutive numbers of one layer's direction.</summary>
    /// <param name="stream">
    /// Seed, step, pass and layer. The example is the one whose activations are perturbed; for noise on weights, it is 0 for the weight and
    /// 1 for the bias.
    /// </param>
    /// <param name="firstElement">Place of the first number in the example's array of activations, or in the parameters.</param>
    /// <param name="noise">Receives the numbers.</param>
    public abstract void Draw(in RandomStream stream, int firstElement, Span<float> noise);

    /// <summary>The distribution for a number of passes, which decides how the directions of a step depend on one another.</summary>
    /// <param name="passes">Directions in a step.</param>
    /// <param name="firstColumns">For each layer, the column of its first number (see <see cref="Orthogonal"/>); by default 0.</param>
    /// <exception cref="ArgumentException">The distribution has no such sets of directions.</exception>
    internal virtual NoiseDistribution ForPasses(int passes, params int[] firstColumns) => this;

    private sealed class GaussianNoise : NoiseDistribution
    {
        public override string Description => nameof(Gaussian);

        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise) =>
            CounterRandom.Noise(stream, (uint)firstElement, noise);
    }

    private sealed class RademacherNoise : NoiseDistribution
    {
        public override string Description => nameof(Rademacher);

        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise) =>
            CounterRandom.Signs(stream, (uint)firstElement, noise);
    }

    // Random signs, the same in every pass, times a column of a Hadamard matrix whose rows are the passes. Two numbers with different
    // columns have noise whose products add up to 0 over the passes, so neither disturbs the estimate of the other. With fewer passes
    // than numbers, each number still shares its column with only 1 in M of the others.
    private sealed class OrthogonalNoise : NoiseDistribution
    {
        private const int PatternLength = 4096;

        private readonly int _passes;
        private readonly int[] _firstColumns;
        private readonly float[][] _patterns;

        internal OrthogonalNoise(int passes, int[] firstColumns)
        {
            if (!BitOperations.IsPow2(passes))
            {
                throw new ArgumentException(
                    $"Orthogonal directions come in sets of a power of two; got {passes} passes. Take 1, 2, 4, 8 ... passes.",
                    nameof(passes));
            }

            (_passes, _firstColumns) = (passes, firstColumns);
            _patterns = [.. Enumerable.Range(0, passes).Select(pass => Pattern(pass, passes))];
        }

        public override string Description => nameof(Orthogonal);

        public override void Draw(in RandomStream stream, int firstElement, Span<float> noise)
        {
            if (stream.Pass >= _passes)
            {
                throw new InvalidOperationException(
                    "Orthogonal directions are drawn in sets. Give the distribution to a rule, which knows how many it takes.");
            }

            CounterRandom.Signs(stream with { Pass = 0 }, (uint)firstElement, noise);
            ReadOnlySpan<float> pattern = _patterns[stream.Pass];
            int column = ((_firstColumns.Length == 0 ? 0 : _firstColumns[stream.Layer]) + firstElement) % _passes;
            int period = pattern.Length - _passes;
            while (!noise.IsEmpty)
            {
                Span<float> part = noise[..Math.Min(noise.Length, period)];
                TensorPrimitives.Multiply(part, pattern.Slice(column, part.Length), part);
                noise = noise[part.Length..];
            }
        }

        internal override NoiseDistribution ForPasses(int passes, params int[] firstColumns) => new OrthogonalNoise(passes, firstColumns);

        // A row of the Hadamard matrix, repeated, so that a run may start at any column.
        private static float[] Pattern(int row, int columns)
        {
            float[] pattern = new float[Math.Max(PatternLength, columns) + columns];
            for (int i = 0; i < pattern.Length; i++)
            {
                pattern[i] = 1 - (2 * (BitOperations.PopCount((uint)(row & (i % columns))) & 1));
            }

            return pattern;
        }
    }
}
