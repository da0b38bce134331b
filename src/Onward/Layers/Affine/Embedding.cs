using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Layers;

/// <summary>
/// Looks up a learned vector for the index at each position: z[n,p,:] = W[x[n,p],:] + b[p,:], W [numEmbeddings, embeddingDim]. The bias b
/// [positions, embeddingDim] is the learned position embedding.
/// </summary>
/// <remarks>
/// An index enters as a float. The output is linear in the weight, but an index has no derivative, so the layer stands first in a network.
/// Both embeddings share one noise site: a layer of its own for positions would add noise of its own.
/// </remarks>
public sealed class Embedding : AffineLayer
{
    // Rows of W in a slice.
    private const int SliceRows = 32;

    // A float holds every whole number up to here.
    private const int MostEmbeddings = 1 << 24;

    /// <summary>Creates the layer.</summary>
    /// <param name="numEmbeddings">Number of vectors; indices are 0 to one less.</param>
    /// <param name="embeddingDim">Floats in a vector.</param>
    /// <param name="positions">
    /// Positions of an example, each with a learned vector that is added to its embedding; 0 to add the same vector everywhere.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A size is below 1, there are more than 16,777,216 embeddings, or positions are below 0.
    /// </exception>
    public Embedding(int numEmbeddings, int embeddingDim, int positions = 0)
        : base(1, Positive(embeddingDim), 1, [numEmbeddings, embeddingDim], positions == 0 ? [embeddingDim] : [positions, embeddingDim])
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(numEmbeddings, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(numEmbeddings, MostEmbeddings);
        ArgumentOutOfRangeException.ThrowIfNegative(positions);
        (NumEmbeddings, Positions) = (numEmbeddings, positions);
    }

    /// <summary>Number of vectors.</summary>
    public int NumEmbeddings { get; }

    /// <summary>Positions with a learned vector of their own; 0 if all positions share one.</summary>
    public int Positions { get; }

    /// <inheritdoc/>
    public override bool TakesIndices => true;

    /// <inheritdoc/>
    public override Reach Reach => new(0, Reach.All);

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) =>
        input.Channels == 1 && (Positions == 0 || input.Positions == Positions)
            ? input with { Channels = Outputs }
            : throw Refuse(input, (Positions == 0 ? "positions" : $"{Positions} positions") + " of 1 channel, which holds an index");

    /// <inheritdoc/>
    /// <remarks>A table of vectors is no map between spaces, so it has no matrix to orthogonalise.</remarks>
    internal override MatrixGroups? Matrices => null;

    /// <inheritdoc/>
    public override string ToString() => $"Embedding({NumEmbeddings}, {Outputs}{(Positions == 0 ? "" : $", {Positions}")})";

    /// <inheritdoc/>
    /// <remarks>A look-up multiplies nothing.</remarks>
    public override long MultiplyAddsPerRow => 0;

    /// <inheritdoc/>
    public override int PackedWeightLength => checked(NumEmbeddings * Outputs);

    /// <inheritdoc/>
    public override int Slices => (NumEmbeddings + SliceRows - 1) / SliceRows;

    /// <inheritdoc/>
    public override WeightSlice WeightOf(int slice) => new(slice * SliceRows * Outputs, RowsOf(slice) * Outputs);

    /// <inheritdoc/>
    public override Range BiasOf(int slice) => slice == 0 ? ..(Math.Max(1, Positions) * Outputs) : default;

    /// <inheritdoc/>
    public override void PackWeight(int slice, ReadOnlySpan<float> weight, Span<float> packed)
    {
        WeightSlice part = WeightOf(slice);
        weight.Slice(part.Start, part.Length).CopyTo(packed[part.Start..]);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A number of the input is no index of a vector.</exception>
    public override void Apply(
        ReadOnlySpan<float> packedWeight,
        ReadOnlySpan<float> input,
        Span<float> output,
        int rows,
        Span<float> workspace,
        bool accumulate = false,
        ReadOnlySpan<float> upcoming = default)
    {
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<float> vector = packedWeight.Slice(IndexOf(input[row]) * Outputs, Outputs);
            Span<float> result = output.Slice(row * Outputs, Outputs);
            if (accumulate)
            {
                TensorPrimitives.Add(result, vector, result);
            }
            else
            {
                vector.CopyTo(result);
            }
        }
    }

    /// <inheritdoc/>
    public override int PackedTransposeLength => 0;

    /// <inheritdoc/>
    public override int TransposingSlices => 0;

    /// <inheritdoc/>
    public override void PackTranspose(int slice, ReadOnlySpan<float> weight, Span<float> packed)
    {
    }

    /// <inheritdoc/>
    /// <remarks>An index has no derivative, so the gradient is 0.</remarks>
    public override void ApplyTranspose(
        ReadOnlySpan<float> packedTranspose,
        ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient,
        int rows,
        Span<float> workspace) => inputGradient[..rows].Clear();

    /// <inheritdoc/>
    public override bool HasBiasOfRow => Positions == 0;

    /// <inheritdoc/>
    public override int PackedGradientLength(int rows) => checked(rows * Outputs);

    /// <inheritdoc/>
    public override void PackGradient(ReadOnlySpan<float> gradient, int firstRow, int rows, Span<float> packed, int capacity) =>
        gradient[..(rows * Outputs)].CopyTo(packed[(firstRow * Outputs)..]);

    /// <inheritdoc/>
    /// <remarks>The gradient of a vector is the sum of the output gradients at the places of its index.</remarks>
    public override void AccumulateGradient(
        int slice,
        scoped in GradientRows wave,
        scoped in LayerGradient gradient,
        Span<float> workspace,
        ReadOnlySpan<float> upcoming = default)
    {
        WeightSlice part = WeightOf(slice);
        Span<float> weight = gradient.Weight.Slice(part.Start, part.Length);
        if (!gradient.Accumulate)
        {
            weight.Clear();
            gradient.Bias[BiasOf(slice)].Clear();
        }

        int first = slice * SliceRows, count = RowsOf(slice), positions = Math.Max(1, Positions);
        for (int row = 0; row < wave.Count; row++)
        {
            ReadOnlySpan<float> error = wave.PackedGradient.Slice(row * Outputs, Outputs);
            int place = (int)wave.Input[row] - first;
            if (place >= 0 && place < count)
            {
                Span<float> sum = weight.Slice(place * Outputs, Outputs);
                TensorPrimitives.Add(sum, error, sum);
            }

            if (slice == 0)
            {
                Span<float> sum = gradient.Bias.Slice(row % positions * Outputs, Outputs);
                TensorPrimitives.Add(sum, error, sum);
            }
        }
    }

    private int RowsOf(int slice) => Math.Min(SliceRows, NumEmbeddings - (slice * SliceRows));

    private int IndexOf(float number)
    {
        int index = (int)number;
        return index == number && index >= 0 && index < NumEmbeddings
            ? index
            : throw new ArgumentException($"{this} takes whole numbers from 0 to {NumEmbeddings - 1}; got {number}.");
    }
}
