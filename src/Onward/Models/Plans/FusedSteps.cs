using Onward.Kernels;
using Onward.Layers;

namespace Onward.Models;

/// <summary>Adds the bias of an affine layer.</summary>
internal sealed class BiasStep(NetworkLayer layer, int slot, int channels) : Step(slot, slot, channels)
{
    /// <inheritdoc/>
    internal override void Apply(ParameterVector parameters, BlockActivations a, int row, int rows) =>
        layer.Map.AddBias(parameters.Read(layer.Bias), Rows(a, Output, row, rows), row % layer.Positions);
}

/// <summary>Adds the bias of an affine layer and normalises, in one pass.</summary>
internal sealed class BiasedNormStep(NetworkLayer layer, RowStep norm) : Step(norm.Input, norm.Output, norm.Channels)
{
    private readonly LayerNorm _norm = (LayerNorm)norm.Layer;

    /// <inheritdoc/>
    internal override void Apply(ParameterVector parameters, BlockActivations a, int row, int rows) =>
        LayerNormKernel.NormalizeBiased(
            Rows(a, Input, row, rows),
            parameters.Read(layer.Bias),
            Rows(a, Output, row, rows),
            norm.State(a, row, rows),
            _norm.Size,
            _norm.Epsilon);
}

/// <summary>ReLU and a normalisation behind it, in one pass.</summary>
internal sealed class RectifiedNormStep(RowStep relu, RowStep norm) : Step(relu.Input, norm.Output, norm.Channels)
{
    private readonly LayerNorm _norm = (LayerNorm)norm.Layer;

    /// <inheritdoc/>
    internal override void Apply(ParameterVector parameters, BlockActivations a, int row, int rows) =>
        LayerNormKernel.NormalizeRectified(
            Rows(a, Input, row, rows), Rows(a, Output, row, rows), norm.State(a, row, rows), _norm.Size, _norm.Epsilon);
}

/// <summary>The end of a residual and a ReLU behind it, in one pass.</summary>
internal sealed class AddReluStep(AddStep add, RowStep relu) : Step(add.Input, relu.Output, relu.Channels)
{
    /// <inheritdoc/>
    internal override void Apply(ParameterVector parameters, BlockActivations a, int row, int rows)
    {
        ReadOnlySpan<float> n = Rows(a, Input, row, rows), kept = add.Kept(a, row, rows);
        Span<float> result = Rows(a, Output, row, rows);
        for (int start = 0, width = add.PieceOf(n.Length); start < n.Length; start += width)
        {
            Activation.AddRelu(
                n.Slice(start, width), kept.Slice(start / Channels * add.KeptChannels, width), result.Slice(start, width));
        }
    }
}

/// <summary>Carries a gradient back through a ReLU and the normalisation before it, in one pass.</summary>
internal sealed class NormReluStep(RowStep norm) : DerivableStep(norm.Input, norm.Output, norm.Channels)
{
    private readonly LayerNorm _norm = (LayerNorm)norm.Layer;

    /// <inheritdoc/>
    internal override void ApplyTranspose(BlockActivations a, int row, int rows, ReadOnlySpan<float> gradient, Span<float> result) =>
        LayerNormKernel.RectifiedJacobianProduct(
            norm.SourceRows(a, row, rows), norm.State(a, row, rows), gradient, result, _norm.Size);
}
