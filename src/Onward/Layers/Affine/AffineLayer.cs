using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using Onward.Kernels;

namespace Onward.Layers;

/// <summary>
/// The mathematics of one affine map of a block, z = A x + b, over rows [example, patch] of a tile. A layer owns no memory: weights,
/// packed weights and gradients are passed in.
/// </summary>
/// <remarks>
/// The map is linear in x, so <see cref="Apply"/> computes values and tangents; only values get the bias. With a perturbation in place
/// of the weight, it computes the tangent with respect to the weight. The weight gradient is a product of the layer's input with the
/// gradient of its output. The latter is packed first, tile by tile; then the product is computed in slices, which threads share.
/// </remarks>
public abstract class AffineLayer : Layer
{
    private protected AffineLayer(int inputs, int outputs, int fanIn, IReadOnlyList<int> weightShape, IReadOnlyList<int> biasShape)
    {
        Inputs = inputs;
        Outputs = outputs;
        FanIn = fanIn;
        WeightShape = weightShape;
        BiasShape = biasShape;
    }

    /// <summary>Returns a size of a layer, or refuses it by its own name before anything is computed from it.</summary>
    private protected static int Positive(int size, [CallerArgumentExpression(nameof(size))] string name = "")
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1, name);
        return size;
    }

    /// <summary>Floats in one row of the input.</summary>
    public int Inputs { get; }

    /// <summary>Floats in one row of the output.</summary>
    public int Outputs { get; }

    /// <summary>Number of inputs of one output, which sets the scale of the initial weights (paper's code).</summary>
    public int FanIn { get; }

    /// <summary>Shape of the weight.</summary>
    public IReadOnlyList<int> WeightShape { get; }

    /// <summary>Shape of the bias.</summary>
    public IReadOnlyList<int> BiasShape { get; }

    /// <summary>
    /// True if the input holds indices instead of quantities. Nothing is differentiated with respect to an index, so such a layer stands
    /// first in a network.
    /// </summary>
    public virtual bool TakesIndices => false;

    /// <summary>Number of parts of a row that each have a matrix of their own.</summary>
    public virtual int Groups => 1;

    /// <summary>Rows of an example that an output depends on: all patches if the layer mixes them, else 1.</summary>
    public virtual int MixedRows => 1;

    /// <summary>
    /// The output channels that one row of the weight feeds, each number of the row an equal share of them, in order; null if each number
    /// feeds all channels. A row is a run along the last axis of <see cref="WeightShape"/>.
    /// </summary>
    /// <param name="row">The row of the weight.</param>
    internal virtual (int First, int Count)? OutputsOf(int row) => (0, Outputs);

    /// <summary>The matrices of the weight, each [fan-in, outputs]; null if it has none. An optimiser may orthogonalise them.</summary>
    internal virtual MatrixGroups? Matrices => MatrixGroups.Of(WeightShape);

    /// <inheritdoc/>
    public override ExampleShape OutputOf(ExampleShape input) =>
        input.Channels == Inputs && (MixedRows == 1 || input.Positions == MixedRows)
            ? input with { Channels = Outputs }
            : throw Refuse(input, MixedRows == 1 ? $"{Inputs} channels" : $"{MixedRows} positions of {Inputs} channels");

    /// <summary>
    /// The layer for inputs of one shape. A layer whose arithmetic depends on the grid, but is described without it, returns a layer that
    /// knows the grid. A network calls this when it is built, and computes by the result.
    /// </summary>
    /// <param name="input">The shape of the input, which the layer takes.</param>
    public virtual AffineLayer At(ExampleShape input) => this;

    /// <summary>Multiply-adds that <see cref="Apply"/> spends on one row of the output.</summary>
    public abstract long MultiplyAddsPerRow { get; }

    /// <summary>Floats of packed weights.</summary>
    public abstract int PackedWeightLength { get; }

    /// <summary>
    /// Number of independent parts of the weight, for <see cref="PackWeight"/> and <see cref="AccumulateGradient"/>.
    /// </summary>
    public abstract int Slices { get; }

    /// <summary>The place of a slice in the weight.</summary>
    /// <param name="slice">The slice, below <see cref="Slices"/>.</param>
    public abstract WeightSlice WeightOf(int slice);

    /// <summary>The part of the bias whose gradient <see cref="AccumulateGradient"/> computes with a slice; may be empty.</summary>
    /// <param name="slice">The slice, below <see cref="Slices"/>.</param>
    public abstract Range BiasOf(int slice);

    /// <summary>Floats of workspace that <see cref="Apply"/> needs.</summary>
    public virtual int WorkspaceLength => 0;

    /// <summary>Floats of workspace that <see cref="AccumulateGradient"/> needs.</summary>
    /// <param name="rows">Rows of the wave.</param>
    public virtual int GradientWorkspaceLength(int rows) => 0;

    /// <summary>Packs one slice of the weights into the form that <see cref="Apply"/> reads.</summary>
    /// <param name="slice">The slice, below <see cref="Slices"/>.</param>
    /// <param name="weight">The weight, of shape <see cref="WeightShape"/>.</param>
    /// <param name="packed">The packed weight.</param>
    public abstract void PackWeight(int slice, ReadOnlySpan<float> weight, Span<float> packed);

    /// <summary>output = or += A input, without the bias.</summary>
    /// <param name="packedWeight">The packed weight.</param>
    /// <param name="input">Rows [rows, <see cref="Inputs"/>], whole examples.</param>
    /// <param name="output">Receives [rows, <see cref="Outputs"/>].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="workspace">At least <see cref="WorkspaceLength"/> floats.</param>
    /// <param name="accumulate">True to add to <paramref name="output"/> instead of overwriting it.</param>
    /// <param name="upcoming">Memory that the caller needs next, which may be fetched into the second cache meanwhile.</param>
    public abstract void Apply(
        ReadOnlySpan<float> packedWeight,
        ReadOnlySpan<float> input,
        Span<float> output,
        int rows,
        Span<float> workspace,
        bool accumulate = false,
        ReadOnlySpan<float> upcoming = default);

    /// <summary>Floats of packed transposed weights.</summary>
    public abstract int PackedTransposeLength { get; }

    /// <summary>Number of independent parts of the weight, for <see cref="PackTranspose"/>.</summary>
    public virtual int TransposingSlices => 1;

    /// <summary>Packs one slice of the weights into the form that <see cref="ApplyTranspose"/> reads.</summary>
    /// <param name="slice">The slice, below <see cref="TransposingSlices"/>.</param>
    /// <param name="weight">The weight, of shape <see cref="WeightShape"/>.</param>
    /// <param name="packed">The packed transpose.</param>
    public abstract void PackTranspose(int slice, ReadOnlySpan<float> weight, Span<float> packed);

    /// <summary>
    /// inputGradient = A' outputGradient: carries an error back through the map. Only rules that send errors back use it. Feedback
    /// alignment passes a random matrix in place of the layer's own.
    /// </summary>
    /// <param name="packedTranspose">The packed transpose.</param>
    /// <param name="outputGradient">Rows [rows, <see cref="Outputs"/>], whole examples.</param>
    /// <param name="inputGradient">Receives [rows, <see cref="Inputs"/>].</param>
    /// <param name="rows">Rows.</param>
    /// <param name="workspace">At least <see cref="WorkspaceLength"/> floats.</param>
    public abstract void ApplyTranspose(
        ReadOnlySpan<float> packedTranspose,
        ReadOnlySpan<float> outputGradient,
        Span<float> inputGradient,
        int rows,
        Span<float> workspace);

    /// <summary>True if the bias has one number for each output of a row, for all rows alike.</summary>
    public virtual bool HasBiasOfRow => true;

    /// <summary>output += b.</summary>
    /// <param name="bias">The bias, of shape <see cref="BiasShape"/>.</param>
    /// <param name="output">Consecutive rows of the output.</param>
    /// <param name="firstPatch">Patch of the first row; further rows are the next patches, example after example.</param>
    public virtual void AddBias(ReadOnlySpan<float> bias, Span<float> output, int firstPatch)
    {
        // A bias of several rows has one for each position.
        int positions = bias.Length / Outputs;
        for (int position = firstPatch % positions; !output.IsEmpty; output = output[Outputs..], position = (position + 1) % positions)
        {
            TensorPrimitives.Add(output[..Outputs], bias.Slice(position * Outputs, Outputs), output[..Outputs]);
        }
    }

    /// <summary>Floats of the packed output gradient of <paramref name="rows"/> rows.</summary>
    /// <param name="rows">Rows of the wave.</param>
    public abstract int PackedGradientLength(int rows);

    /// <summary>Packs the output gradient of some rows into the wave's packed gradient.</summary>
    /// <param name="gradient">Gradient with respect to the output [rows, <see cref="Outputs"/>], whole examples.</param>
    /// <param name="firstRow">Row of the wave that receives the first row.</param>
    /// <param name="rows">Rows.</param>
    /// <param name="packed">The wave's packed gradient.</param>
    /// <param name="capacity">Rows for which <paramref name="packed"/> is laid out.</param>
    public abstract void PackGradient(ReadOnlySpan<float> gradient, int firstRow, int rows, Span<float> packed, int capacity);

    /// <summary>Computes one slice of the gradient of weight and bias, summed over the rows of the wave in order.</summary>
    /// <param name="slice">The slice, below <see cref="Slices"/>.</param>
    /// <param name="wave">The rows to sum over.</param>
    /// <param name="gradient">Receives the slice, in arrays of shapes <see cref="WeightShape"/> and <see cref="BiasShape"/>.</param>
    /// <param name="workspace">At least <see cref="GradientWorkspaceLength"/> floats.</param>
    /// <param name="upcoming">Memory that the caller needs next, which may be fetched into the second cache meanwhile.</param>
    public abstract void AccumulateGradient(
        int slice,
        scoped in GradientRows wave,
        scoped in LayerGradient gradient,
        Span<float> workspace,
        ReadOnlySpan<float> upcoming = default);
}

/// <summary>The place of a slice in a weight: pieces of the same length, at equal distances.</summary>
/// <param name="Start">The first number of the first piece.</param>
/// <param name="Length">Numbers in a piece.</param>
/// <param name="Pieces">Number of pieces.</param>
/// <param name="Stride">Numbers from the start of a piece to the start of the next.</param>
public readonly record struct WeightSlice(int Start, int Length, int Pieces = 1, int Stride = 0);
