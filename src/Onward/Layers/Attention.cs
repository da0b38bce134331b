using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Layers;

/// <summary>
/// Scaled dot-product attention among the positions of an example, without parameters (Vaswani et al. 2017). The input holds queries, keys
/// and values at each position [positions, 3 C], from an affine layer before this one; the output is [positions, C]:
/// y[i] = sum over j of A[i,j] v[j], with A[i,:] = softmax over j of q[i] k[j]' / sqrt(C / heads), for each head by itself.
/// </summary>
/// <remarks>
/// A head owns C / heads adjacent channels of the queries, the keys, the values and the output. The probabilities A are kept for the
/// derivatives: heads times positions squared floats for each example.
/// </remarks>
public sealed class Attention : ExampleLayer
{
    /// <summary>Creates the layer.</summary>
    /// <param name="heads">Parts of the channels that attend by themselves.</param>
    /// <param name="causal">True if a position attends to itself and to earlier positions alone.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="heads"/> is below 1.</exception>
    public Attention(int heads, bool causal = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(heads, 1);
        (Heads, Causal) = (heads, causal);
    }

    /// <summary>Parts of the channels that attend by themselves.</summary>
    public int Heads { get; }

    /// <summary>True if a position attends to itself and to earlier positions alone.</summary>
    public bool Causal { get; }

    /// <inheritdoc/>
    public override Reach Reach => Causal ? Reach.Later : Reach.Everywhere;

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) => input.Channels % (3L * Heads) == 0
        ? input with { Channels = input.Channels / 3 }
        : throw Refuse(input, $"queries, keys and values, a multiple of 3 x {Heads} channels");

    /// <inheritdoc/>
    /// <remarks>The state is A [heads, positions, positions].</remarks>
    public override int StateOf(ExampleShape input) => checked(Heads * input.Positions * input.Positions);

    /// <inheritdoc/>
    public override int WorkspaceOf(ExampleShape input) =>
        checked(Gemm.WorkspaceLength(Math.Max(input.Positions, input.Channels)) + (input.Positions * input.Positions));

    /// <inheritdoc/>
    public override void Apply(in ExampleValues example, Span<float> output)
    {
        for (int h = 0; h < Heads; h++)
        {
            Head head = new(this, example, h);
            Span<float> probabilities = head.Probabilities;
            head.Multiply(head.Queries(example.Input), head.Keys(example.Input).Transposed, probabilities, false);
            for (int i = 0; i < head.Positions; i++)
            {
                Span<float> row = probabilities.Slice(i * head.Positions, head.Positions);
                int seen = Causal ? i + 1 : head.Positions;
                TensorPrimitives.Multiply(row[..seen], head.Scale, row[..seen]);
                Softmax.Apply(row[..seen], row[..seen]);
                row[seen..].Clear();
            }

            head.MultiplyToOutput(head.Square(probabilities), head.Values(example.Input), output, false);
        }
    }

    /// <inheritdoc/>
    /// <remarks>y' = A' v + A v' with A' the tangent of the softmax of (q' k + q k') / sqrt(C / heads).</remarks>
    public override void ApplyTangent(in ExampleValues example, ReadOnlySpan<float> tangent, Span<float> result)
    {
        for (int h = 0; h < Heads; h++)
        {
            Head head = new(this, example, h);
            Span<float> moved = head.Scores;
            head.Multiply(head.Queries(tangent), head.Keys(example.Input).Transposed, moved, false);
            head.Multiply(head.Queries(example.Input), head.Keys(tangent).Transposed, moved, true);
            head.PassSoftmax(moved);
            head.MultiplyToOutput(head.Square(moved), head.Values(example.Input), result, false);
            head.MultiplyToOutput(head.Square(head.Probabilities), head.Values(tangent), result, true);
        }
    }

    /// <inheritdoc/>
    public override void ApplyTranspose(in ExampleValues example, ReadOnlySpan<float> gradient, Span<float> result)
    {
        for (int h = 0; h < Heads; h++)
        {
            Head head = new(this, example, h);
            Span<float> scores = head.Scores;
            MatrixView error = head.Output(gradient);
            head.MultiplyToInput(head.Square(head.Probabilities).Transposed, error, result, part: 2);
            head.Multiply(error, head.Values(example.Input).Transposed, scores, false);
            head.PassSoftmax(scores);
            head.MultiplyToInput(head.Square(scores), head.Keys(example.Input), result, part: 0);
            head.MultiplyToInput(head.Square(scores).Transposed, head.Queries(example.Input), result, part: 1);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Causal ? $"Attention({Heads}, causal)" : $"Attention({Heads})";

    /// <summary>One head of one example: its channels as matrices, and its memory.</summary>
    private readonly ref struct Head
    {
        private readonly int _channels; // of the output
        private readonly int _width; // of the head
        private readonly int _first;
        private readonly Span<float> _panel;

        internal Head(Attention layer, in ExampleValues example, int head)
        {
            Positions = example.Shape.Positions;
            _channels = example.Shape.Channels / 3;
            _width = _channels / layer.Heads;
            _first = head * _width;
            Scale = 1 / MathF.Sqrt(_width);
            int square = Positions * Positions;
            Probabilities = example.State.Slice(head * square, square);
            Scores = example.Workspace[..square];
            _panel = example.Workspace[square..];
        }

        internal int Positions { get; }

        internal float Scale { get; }

        internal Span<float> Probabilities { get; }

        internal Span<float> Scores { get; }

        internal MatrixView Queries(ReadOnlySpan<float> input) => Part(input, 0);

        internal MatrixView Keys(ReadOnlySpan<float> input) => Part(input, 1);

        internal MatrixView Values(ReadOnlySpan<float> input) => Part(input, 2);

        internal MatrixView Output(ReadOnlySpan<float> output) => new(output[_first..], Positions, _width, _channels);

        internal MatrixView Square(ReadOnlySpan<float> square) => new(square, Positions, Positions);

        /// <summary>square = or += a b.</summary>
        internal void Multiply(scoped in MatrixView a, scoped in MatrixView b, Span<float> square, bool accumulate) =>
            Gemm.Multiply(a, b, square, Positions, accumulate, _panel);

        /// <summary>The head's channels of the output = or += a b.</summary>
        internal void MultiplyToOutput(scoped in MatrixView a, scoped in MatrixView b, Span<float> output, bool accumulate) =>
            Gemm.Multiply(a, b, output[_first..], _channels, accumulate, _panel);

        /// <summary>The head's queries (part 0), keys (1) or values (2) = a b.</summary>
        internal void MultiplyToInput(scoped in MatrixView a, scoped in MatrixView b, Span<float> input, int part) =>
            Gemm.Multiply(a, b, input[((part * _channels) + _first)..], 3 * _channels, accumulate: false, _panel);

        /// <summary>Multiplies each row by the Jacobian of its softmax, and by the scale of the scores.</summary>
        internal void PassSoftmax(Span<float> rows)
        {
            for (int start = 0; start < rows.Length; start += Positions)
            {
                Span<float> row = rows.Slice(start, Positions);
                Softmax.JacobianProduct(Probabilities.Slice(start, Positions), row, Scale, row);
            }
        }

        private MatrixView Part(ReadOnlySpan<float> input, int part) =>
            new(input[((part * _channels) + _first)..], Positions, _width, 3 * _channels);
    }
}
