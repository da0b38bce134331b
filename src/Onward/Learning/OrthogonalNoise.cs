using System.Numerics;
using System.Numerics.Tensors;
using Onward.Kernels;
using Onward.Models;

namespace Onward.Learning;

/// <summary>
/// Directions of a step that are orthogonal to one another instead of independent: random signs, the same in every pass,
/// times a column of a Hadamard matrix whose rows are the passes.
/// </summary>
/// <remarks>
/// Two numbers with different columns have noise whose products add up to 0 over the passes, so neither disturbs the
/// estimate of the other. Numbers that meet in one loss (spec 1.4) take consecutive columns, the grouped layer's C first, then
/// the channel layer's C, then the token layer's. With local losses for each patch and group, 2 C passes make the estimate
/// of the first block exact, or C passes where layers are perturbed one at a time and only C numbers meet; with fewer
/// passes, each number still shares its column with only 1 in M of the others.
/// </remarks>
internal sealed class OrthogonalNoise : NoiseDistribution
{
    private const int PatternLength = 4096;

    private readonly int[] _firstColumn;
    private readonly int _columns;
    private readonly float[][] _patterns;

    /// <summary>Lays the columns out.</summary>
    internal OrthogonalNoise(LocalMixer model, int passes)
    {
        if (!BitOperations.IsPow2(passes))
        {
            throw new ArgumentException($"Orthogonal directions come in sets of a power of two; got {passes} passes. Take 1, 2, 4, 8 ... passes.", nameof(passes));
        }

        _columns = passes;
        _firstColumn = [.. model.Blocks.SelectMany(block => block.Layers.Select((_, l) => (block.Layers.Count - 1 - l) * block.ChannelsPerGroup % passes))];
        _patterns = [.. Enumerable.Range(0, passes).Select(pass => Pattern(pass, passes))];
    }

    /// <inheritdoc/>
    public override string Description => nameof(Orthogonal);

    /// <inheritdoc/>
    public override void Draw(in RandomStream stream, int firstElement, Span<float> noise)
    {
        CounterRandom.Signs(stream with { Pass = 0 }, (uint)firstElement, noise);
        ReadOnlySpan<float> pattern = _patterns[stream.Pass];
        int column = (_firstColumn[stream.Layer] + firstElement) % _columns;
        int period = pattern.Length - _columns;
        while (!noise.IsEmpty)
        {
            Span<float> part = noise[..Math.Min(noise.Length, period)];
            TensorPrimitives.Multiply(part, pattern.Slice(column, part.Length), part);
            noise = noise[part.Length..];
        }
    }

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
