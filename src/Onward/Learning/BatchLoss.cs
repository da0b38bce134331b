using System.Numerics.Tensors;
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
    private Memory<float> _gradients;
    private Memory<float> _cosines;
    private Memory<float> _workspace;
    private float[] _reciprocals = [];

    private protected BatchLoss(int width) => Width = width;

    /// <summary>Numbers that an example is compared by.</summary>
    internal int Width { get; }

    /// <summary>Examples in the batch.</summary>
    internal int Examples { get; private set; }

    /// <summary>What examples are compared by [examples, width]; unit vectors once the loss is evaluated.</summary>
    internal Memory<float> Compared => _compared[..(Examples * Width)];

    /// <summary>Gradient of the batch's mean loss with respect to what was compared [examples, width].</summary>
    internal Memory<float> Gradients => _gradients[..(Examples * Width)];

    /// <summary>The loss of each example.</summary>
    internal float[] Losses { get; private set; } = [];

    /// <summary>Whether an example came nearer to some other than to the one it should; false where the loss has no such notion.</summary>
    internal bool[] Mistakes { get; private set; } = [];

    internal long Bytes => sizeof(float) * ((long)_compared.Length + _gradients.Length + _cosines.Length + _workspace.Length + _reciprocals.Length + Losses.Length);

    /// <summary>Takes memory for a batch, once for the largest.</summary>
    internal void Reserve(int examples)
    {
        Examples = examples;
        if (Losses.Length >= examples)
        {
            return;
        }

        _compared = AlignedMemory.Allocate(checked(examples * Width));
        _gradients = AlignedMemory.Allocate(checked(examples * Width));
        _cosines = AlignedMemory.Allocate(checked(Math.Min(examples, ChunkRows) * examples));
        _workspace = AlignedMemory.Allocate(Gemm.WorkspaceLength(Math.Max(examples, Width)));
        _reciprocals = new float[examples];
        Losses = new float[examples];
        Mistakes = new bool[examples];
    }

    /// <summary>Computes the losses and gradients of the whole batch on the calling thread.</summary>
    /// <param name="labels">The class of each example.</param>
    internal void Evaluate(ReadOnlySpan<int> labels)
    {
        int width = Width;
        Span<float> compared = Compared.Span, gradients = Gradients.Span;
        for (int n = 0; n < Examples; n++)
        {
            Span<float> vector = compared.Slice(n * width, width);
            Center(vector);
            _reciprocals[n] = 1 / MathF.Sqrt(Math.Max(TensorPrimitives.SumOfSquares<float>(vector), SmallestSquare));
            TensorPrimitives.Multiply(vector, _reciprocals[n], vector);
        }

        for (int first = 0; first < Examples; first += ChunkRows)
        {
            int rows = Math.Min(ChunkRows, Examples - first);
            ReadOnlySpan<float> anchors = compared.Slice(first * width, rows * width);
            Span<float> cosines = _cosines.Span[..(rows * Examples)];
            Gemm.Multiply(GemmLeft.Plain, rightTransposed: true, rows, Examples, width, anchors, width, compared, width, cosines, Examples, accumulate: false, _workspace.Span);
            for (int i = 0; i < rows; i++)
            {
                Losses[first + i] = Differentiate(first + i, labels, cosines.Slice(i * Examples, Examples));
            }

            Span<float> slice = gradients.Slice(first * width, rows * width);
            Gemm.Multiply(GemmLeft.Plain, rightTransposed: false, rows, width, Examples, cosines, Examples, compared, width, slice, width, accumulate: false, _workspace.Span);
            for (int i = 0; i < rows; i++)
            {
                PassBackThroughUnitLength(anchors.Slice(i * width, width), _reciprocals[first + i], slice.Slice(i * width, width));
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
    private protected abstract float Differentiate(int example, ReadOnlySpan<int> labels, Span<float> cosines);

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
