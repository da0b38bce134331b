using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Onward.Data;

/// <summary>
/// A text in windows of the same number of tokens, one behind the other. Each token of a window has the token behind it as its label, so
/// every token of the text except the first is predicted once. A rest that fills no window is left out.
/// </summary>
/// <remarks>
/// In training, all windows of an epoch begin later by a number of tokens that seed and epoch determine (<see cref="BatchLoader.Epoch"/>).
/// Otherwise a token would stand at the same place of its window in every epoch.
/// </remarks>
public sealed class TextSet : ImageSet
{
    private readonly ReadOnlyMemory<ushort> _tokens;

    /// <summary>Stores the tokens without copying them.</summary>
    /// <param name="tokens">The index of each token, below <paramref name="vocabulary"/>.</param>
    /// <param name="context">Tokens of a window, at least 1.</param>
    /// <param name="vocabulary">Number of different tokens, at least 1.</param>
    /// <exception cref="ArgumentException">The text has no window and the token behind it, or an index is out of range.</exception>
    public TextSet(ReadOnlyMemory<ushort> tokens, int context, int vocabulary)
        : base(new int[WindowsOf(tokens.Length, context)], context, 1, 1, vocabulary)
    {
        foreach (ushort token in tokens.Span)
        {
            if (token >= vocabulary)
            {
                throw new ArgumentException($"Tokens must lie in 0..{vocabulary - 1}; got {token}.", nameof(tokens));
            }
        }

        _tokens = tokens;
    }

    private TextSet(TextSet text, int start, int count)
        : base(new int[count], text.Context, 1, 1, text.Classes) =>
        _tokens = text._tokens.Slice(start * text.Context, (count * text.Context) + 1);

    /// <summary>Tokens of a window.</summary>
    public int Context => Height;

    /// <summary>The index of each token.</summary>
    public ReadOnlyMemory<ushort> Tokens => _tokens;

    /// <summary>Gives each token another index.</summary>
    /// <param name="numbers">New index of each token. [token]</param>
    /// <param name="vocabulary">Number of different tokens afterwards.</param>
    internal TextSet Renumber(int[] numbers, int vocabulary)
    {
        ushort[] tokens = new ushort[_tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
        {
            tokens[i] = (ushort)numbers[_tokens.Span[i]];
        }

        return new TextSet(tokens, Context, vocabulary);
    }

    /// <inheritdoc/>
    public override bool IsText => true;

    /// <inheritdoc/>
    public override int LabelsPerExample => Context;

    /// <inheritdoc/>
    internal override bool NeedsNoDecoding => true;

    /// <summary>Counts the windows of a text, each with the token behind it.</summary>
    /// <param name="tokens">Tokens of the text.</param>
    /// <param name="context">Tokens of a window.</param>
    public static int WindowsOf(int tokens, int context)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(context, 1);
        return Math.Max(0, tokens - 1) / context;
    }

    /// <summary>A window is no picture.</summary>
    /// <param name="example">Ignored.</param>
    /// <param name="image">Ignored.</param>
    /// <exception cref="NotSupportedException">Always.</exception>
    public override bool TryRead(int example, RawImage image) => throw new NotSupportedException("A text has no images.");

    /// <inheritdoc/>
    internal override bool TryReadTokens(int example, int shift, Span<float> tokens, Span<int> next)
    {
        // The last window may have no room behind it; the tokens in front of the first one are left.
        int start = (example * Context) + shift;
        start = start + Context < _tokens.Length ? start : 0;
        ReadOnlySpan<ushort> window = _tokens.Span.Slice(start, Context + 1);
        for (int i = 0; i < Context; i++)
        {
            (tokens[i], next[i]) = (window[i], window[i + 1]);
        }

        return true;
    }

    /// <inheritdoc/>
    protected override TextSet Slice(int start, int count) => new(this, start, count);

    /// <inheritdoc/>
    protected override UInt128 ChecksumOfImages() => XxHash128.HashToUInt128(MemoryMarshal.AsBytes(_tokens.Span));
}
