using System.Numerics.Tensors;
using Onward.Communication;
using Onward.Kernels;

namespace Onward.Losses;

/// <summary>
/// The contrastive loss NT-Xent of one head (Chen et al. 2020): each view of an image is classified as the partner of the
/// other view among all views of the batch, by the cosines of their embeddings. The first half of the batch are first views, the second
/// half second views of the same images. The memory grows with the batch by a few numbers for each example.
/// </summary>
/// <remarks>
/// <para>
/// The views that an anchor is compared with (the keys) are constants: no derivative passes through them. Otherwise perturbation
/// methods fail to reduce the loss (paper, section 4).
/// </para>
/// <para>
/// The engine fills <see cref="Compared"/> in a first sweep over the batch and reads gradients in a second sweep. There, each
/// example's loss depends on its own features alone, since the keys are fixed. So it has a tangent, and a copy for each patch and
/// group, like the loss of a classifier.
/// </para>
/// </remarks>
/// <param name="width">Numbers in an embedding.</param>
/// <param name="temperature">Divisor of the cosines.</param>
internal sealed class ContrastiveLoss(int width, double temperature)
{
    private const int ChunkRows = 64;

    // A vector with a smaller sum of squares is not scaled to length 1.
    private const float SmallestSquare = 1e-12f;

    // The logit of a view with itself.
    private const float Excluded = -1e9f;

    private readonly float _scale = (float)(1 / temperature);
    private Memory<float> _compared;
    private Memory<float> _all;
    private BatchShare _share = BatchShare.Whole;
    private int _images;
    private int _views;
    private Memory<float> _gradients;
    private Memory<float> _cosines;
    private Memory<float> _workspace;
    private float[] _reciprocals = [];

    /// <summary>Numbers in an embedding.</summary>
    internal int Width { get; } = width;

    /// <summary>Examples in the batch.</summary>
    internal int Examples => _images * _views;

    // Examples in this process's share: the anchors.
    private int Own => _share.Of(_images).Images * _views;

    /// <summary>
    /// The embeddings of this process's share [examples, width]. Evaluating the loss scales them to length 1.
    /// </summary>
    internal Memory<float> Compared => _compared[..(Own * Width)];

    /// <summary>Gradient of the batch's mean loss with respect to the embeddings [examples, width].</summary>
    internal Memory<float> Gradients => _gradients[..(Own * Width)];

    /// <summary>The loss of each example of the share.</summary>
    internal float[] Losses { get; private set; } = [];

    /// <summary>True for an example whose nearest view is not its partner.</summary>
    internal bool[] Mistakes { get; private set; } = [];

    internal long Bytes =>
        sizeof(float)
        * ((long)_compared.Length + _all.Length + _gradients.Length + _cosines.Length + _workspace.Length
            + _reciprocals.Length + Losses.Length);

    /// <summary>Allocates memory for a batch, unless the memory of a batch before is large enough.</summary>
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

    /// <summary>Gathers the embeddings of all shares.</summary>
    internal void Exchange(RankGrid grid)
    {
        (int first, int count) = _share.Of(_images);
        int[] lengths = [.. Enumerable.Range(0, _share.Count).Select(i => (_share with { Index = i }).Of(_images).Images * Width)];
        for (int view = 0; view < _views; view++)
        {
            Span<float> all = _all.Span.Slice(view * _images * Width, _images * Width);
            Compared.Span.Slice(view * count * Width, count * Width).CopyTo(all[(first * Width)..]);
            grid.Peers.Gather(all, lengths);
        }
    }

    /// <summary>Computes the losses and gradients of this process's share of the batch on the calling thread.</summary>
    internal void Evaluate()
    {
        int width = Width, examples = Examples;
        Span<float> compared = Compared.Span, gradients = Gradients.Span;
        Span<float> all = _share.Count == 1 ? compared : _all.Span[..(examples * width)];
        for (int n = 0; n < examples; n++)
        {
            Span<float> vector = all.Slice(n * width, width);
            _reciprocals[n] = 1 / MathF.Sqrt(Math.Max(Reduction.SumOfSquares(vector), SmallestSquare));
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
            MatrixView vectors = new(all, examples, width);
            Gemm.Multiply(
                new(anchors, rows, width), vectors.Transposed, cosines, examples, accumulate: false, _workspace.Span);
            for (int i = 0; i < rows; i++)
            {
                Losses[first + i] = Differentiate(Place(first + i), cosines.Slice(i * examples, examples), out Mistakes[first + i]);
            }

            Span<float> slice = gradients.Slice(first * width, rows * width);
            Gemm.Multiply(new(cosines, rows, examples), vectors, slice, width, accumulate: false, _workspace.Span);
            for (int i = 0; i < rows; i++)
            {
                PassBackThroughUnitLength(anchors.Slice(i * width, width), _reciprocals[Place(first + i)], slice.Slice(i * width, width));
            }
        }
    }

    // Computes the loss of an example from its cosines with all examples, itself included. Replaces the cosines by the gradient of the
    // batch's mean loss.
    private float Differentiate(int example, Span<float> cosines, out bool mistaken)
    {
        int partner = (example + (Examples / 2)) % Examples;
        TensorPrimitives.Multiply(cosines, _scale, cosines);
        cosines[example] = Excluded;
        mistaken = TensorPrimitives.IndexOfMax<float>(cosines) != partner;
        float loss = SoftmaxCrossEntropy.Evaluate(cosines, partner, cosines);
        TensorPrimitives.Multiply(cosines, _scale / Examples, cosines);
        return loss;
    }

    // The place in the whole batch, view after view, of an example of the share.
    private int Place(int n)
    {
        (int first, int images) = _share.Of(_images);
        return (n / images * _images) + first + (n % images);
    }

    // Carries a gradient back through x / |x|: the part along x is removed, unless x was too short to be scaled to length 1.
    private static void PassBackThroughUnitLength(ReadOnlySpan<float> unit, float reciprocal, Span<float> gradient)
    {
        if (reciprocal * reciprocal * SmallestSquare < 1)
        {
            float along = Reduction.Dot(unit, gradient);
            TensorPrimitives.MultiplyAdd(unit, -along, gradient, gradient);
        }

        TensorPrimitives.Multiply(gradient, reciprocal, gradient);
    }
}
