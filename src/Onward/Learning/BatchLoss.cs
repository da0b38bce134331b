using System.Numerics.Tensors;
using Onward.Communication;
using Onward.Kernels;

namespace Onward.Learning;

/// <summary>
/// A loss that compares each example of a batch with all others by the cosine of what a block made of them. One block's
/// memory: it grows with the batch by a few numbers for each example.
/// </summary>
/// <remarks>
/// The engine fills <see cref="Compared"/> in a first sweep over the batch and reads gradients in a second one, where each
/// example's loss depends on its own features alone. With the others held fixed it is a loss like any other: it has a
/// tangent, and a copy of it for each patch and group (spec 3.5).
/// </remarks>
internal abstract class BatchLoss
{
    private const int ChunkRows = 64;

    // Below it a vector has no direction (spec 3.5).
    private const float SmallestSquare = 1e-12f;

    private Memory<float> _compared;
    private Memory<float> _all;
    private BatchShare _share = BatchShare.Whole;
    private int _images;
    private int _views;
    private Memory<float> _gradients;
    private Memory<float> _cosines;
    private Memory<float> _workspace;
    private float[] _reciprocals = [];

    private protected BatchLoss(int width) => Width = width;

    /// <summary>Numbers that an example is compared by.</summary>
    internal int Width { get; }

    /// <summary>Examples in the batch.</summary>
    internal int Examples => _images * _views;

    // Of this process's share: the anchors.
    private int Own => _share.Of(_images).Images * _views;

    /// <summary>What the examples of this process's share are compared by [examples, width]; unit vectors once the loss is evaluated.</summary>
    internal Memory<float> Compared => _compared[..(Own * Width)];

    /// <summary>Gradient of the batch's mean loss with respect to what was compared [examples, width].</summary>
    internal Memory<float> Gradients => _gradients[..(Own * Width)];

    /// <summary>The loss of each example of the share.</summary>
    internal float[] Losses { get; private set; } = [];

    /// <summary>Whether an example came nearer to some other than to the one it should; false where the loss has no such notion.</summary>
    internal bool[] Mistakes { get; private set; } = [];

    internal long Bytes => sizeof(float) * ((long)_compared.Length + _all.Length + _gradients.Length + _cosines.Length + _workspace.Length + _reciprocals.Length + Losses.Length);

    /// <summary>Takes memory for a batch, once for the largest.</summary>
    internal void Reserve(BatchShare share, int images, int views)
    {
        bool fits = (_share, _views) == (share, views) && _images >= images;
        (_share, _images, _views) = (share, images, views);
        if (fits && Losses.Length >= Own)
        {
            return;
        }

        int examples = Examples;
        _compared = AlignedMemory.Allocate(checked(Own * Width));
        _all = share.Count == 1 ? default : AlignedMemory.Allocate(checked(examples * Width));
        _gradients = AlignedMemory.Allocate(checked(Own * Width));
        _cosines = AlignedMemory.Allocate(checked(Math.Min(Own, ChunkRows) * examples));
        _workspace = AlignedMemory.Allocate(Gemm.WorkspaceLength(Math.Max(examples, Width)));
        _reciprocals = new float[examples];
        Losses = new float[Own];
        Mistakes = new bool[Own];
    }

    /// <summary>Brings together what the examples of all shares are compared by.</summary>
    internal void Exchange(RankGrid grid) => Exchange<float>(grid, Compared.Span, _all.Span[..(Examples * Width)], _images, Width);

    /// <summary>The same of anything that an example has so many values of.</summary>
    internal static void Exchange<T>(RankGrid grid, ReadOnlySpan<T> own, Span<T> all, int images, int width)
        where T : unmanaged
    {
        (int first, int count) = grid.Share.Of(images);
        int[] lengths = [.. Enumerable.Range(0, grid.Share.Count).Select(i => (grid.Share with { Index = i }).Of(images).Images * width)];
        for (; !own.IsEmpty; own = own[(count * width)..], all = all[(images * width)..])
        {
            own[..(count * width)].CopyTo(all[(first * width)..]);
            grid.Peers.Gather(all[..(images * width)], lengths);
        }
    }

    /// <summary>Computes the losses and gradients of this process's share of the batch on the calling thread.</summary>
    /// <param name="labels">The class of each example of the whole batch.</param>
    internal void Evaluate(ReadOnlySpan<int> labels)
    {
        int width = Width, examples = Examples;
        Span<float> compared = Compared.Span, gradients = Gradients.Span;
        Span<float> all = _share.Count == 1 ? compared : _all.Span[..(examples * width)];
        for (int n = 0; n < examples; n++)
        {
            Span<float> vector = all.Slice(n * width, width);
            Center(vector);
            _reciprocals[n] = 1 / MathF.Sqrt(Math.Max(TensorPrimitives.SumOfSquares<float>(vector), SmallestSquare));
            TensorPrimitives.Multiply(vector, _reciprocals[n], vector);
        }

        for (int n = 0; n < Own && _share.Count > 1; n++)
        {
            all.Slice(Place(n) * width, width).CopyTo(compared[(n * width)..]);
        }

        for (int first = 0; first < Own; first += ChunkRows)
        {
            int rows = Math.Min(ChunkRows, Own - first);
            ReadOnlySpan<float> anchors = compared.Slice(first * width, rows * width);
            Span<float> cosines = _cosines.Span[..(rows * examples)];
            Gemm.Multiply(GemmLeft.Plain, rightTransposed: true, rows, examples, width, anchors, width, all, width, cosines, examples, accumulate: false, _workspace.Span);
            for (int i = 0; i < rows; i++)
            {
                Losses[first + i] = Differentiate(Place(first + i), labels, cosines.Slice(i * examples, examples), ref Mistakes[first + i]);
            }

            Span<float> slice = gradients.Slice(first * width, rows * width);
            Gemm.Multiply(GemmLeft.Plain, rightTransposed: false, rows, width, examples, cosines, examples, all, width, slice, width, accumulate: false, _workspace.Span);
            for (int i = 0; i < rows; i++)
            {
                PassBackThroughUnitLength(anchors.Slice(i * width, width), _reciprocals[Place(first + i)], slice.Slice(i * width, width));
            }
        }
    }

    /// <summary>Removes what has no part in the comparison.</summary>
    private protected virtual void Center(Span<float> vector)
    {
    }

    /// <summary>
    /// The loss of one example from its cosines with all examples, itself included, which turn into the gradient of the
    /// batch's mean loss with respect to them.
    /// </summary>
    /// <param name="example">The example's place in the whole batch.</param>
    /// <param name="labels">The class of each example.</param>
    /// <param name="cosines">The cosines.</param>
    /// <param name="mistaken">Set to whether it came nearer to some other example than to the one it should, where the loss has such a notion.</param>
    private protected abstract float Differentiate(int example, ReadOnlySpan<int> labels, Span<float> cosines, ref bool mistaken);

    // Place in the whole batch, view after view, of an example of the share.
    private int Place(int n)
    {
        (int first, int images) = _share.Of(_images);
        return (n / images * _images) + first + (n % images);
    }

    // The gradient of x / |x|: what points along x is lost, unless x is too short to have been scaled to length 1.
    private static void PassBackThroughUnitLength(ReadOnlySpan<float> unit, float reciprocal, Span<float> gradient)
    {
        if (reciprocal * reciprocal * SmallestSquare < 1)
        {
            float along = TensorPrimitives.Dot<float>(unit, gradient);
            TensorPrimitives.MultiplyAdd(unit, -along, gradient, gradient);
        }

        TensorPrimitives.Multiply(gradient, reciprocal, gradient);
    }
}
