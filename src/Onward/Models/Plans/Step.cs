using System.Numerics.Tensors;
using Onward.Layers;

namespace Onward.Models;

/// <summary>
/// An operation on a few rows of a section. It reads and writes slots of <see cref="BlockActivations"/>, in which a value stays if a
/// derivative needs it.
/// </summary>
/// <param name="input">The slot of the input.</param>
/// <param name="output">The slot of the output.</param>
/// <param name="channels">Floats in a row.</param>
internal abstract class Step(int input, int output, int channels)
{
    internal int Input => input;

    internal int Output => output;

    internal int Channels => channels;

    /// <summary>Computes the values of some rows. By default there are none to compute.</summary>
    internal virtual void Apply(ParameterVector parameters, BlockActivations a, int row, int rows)
    {
    }

    /// <summary>Some rows of a slot.</summary>
    private protected Span<float> Rows(BlockActivations a, int slot, int row, int rows) =>
        a.Slot(slot).Span.Slice(row * channels, rows * channels);
}

/// <summary>An operation with a derivative.</summary>
internal abstract class DerivableStep(int input, int output, int channels) : Step(input, output, channels)
{
    /// <summary>Carries the gradient of the output back to the input, for some rows.</summary>
    internal abstract void ApplyTranspose(BlockActivations a, int row, int rows, ReadOnlySpan<float> gradient, Span<float> result);
}

/// <summary>A row layer.</summary>
/// <param name="layer">The layer.</param>
/// <param name="input">The slot of the input.</param>
/// <param name="output">The slot of the output.</param>
/// <param name="source">The slot that derivatives read.</param>
/// <param name="state">The state of the layer.</param>
/// <param name="channels">Floats in a row.</param>
internal class RowStep(RowLayer layer, int input, int output, int source, int state, int channels)
    : DerivableStep(input, output, channels)
{
    private readonly int _stateWidth = layer.StateOf(channels);

    internal RowLayer Layer => layer;

    internal int Source => source;

    /// <summary>True for a ReLU that the noise before it is masked by: the noise site carries tangents through both.</summary>
    internal bool IsMaskOfNoise { get; init; }

    internal Span<float> State(BlockActivations a, int row, int rows) =>
        _stateWidth == 0 ? [] : a.State(state).Span.Slice(row * _stateWidth, rows * _stateWidth);

    internal ReadOnlySpan<float> SourceRows(BlockActivations a, int row, int rows) => Rows(a, source, row, rows);

    /// <inheritdoc/>
    internal override void Apply(ParameterVector parameters, BlockActivations a, int row, int rows) =>
        layer.Apply(Rows(a, Input, row, rows), Rows(a, Output, row, rows), State(a, row, rows));

    internal void ApplyTangent(BlockActivations a, int row, int rows, ReadOnlySpan<float> tangent, Span<float> result) =>
        layer.ApplyTangent(SourceRows(a, row, rows), State(a, row, rows), tangent, result);

    /// <inheritdoc/>
    internal override void ApplyTranspose(BlockActivations a, int row, int rows, ReadOnlySpan<float> gradient, Span<float> result) =>
        layer.ApplyTranspose(SourceRows(a, row, rows), State(a, row, rows), gradient, result);
}

/// <summary>A dropout layer, which draws what it drops in training.</summary>
/// <param name="dropout">The layer.</param>
/// <param name="number">The number of the layer among the dropout layers of the block.</param>
/// <param name="positions">Positions of an example.</param>
/// <param name="input">The slot of the input.</param>
/// <param name="output">The slot of the output.</param>
/// <param name="source">The slot that derivatives read.</param>
/// <param name="state">The state of the layer.</param>
/// <param name="channels">Floats in a row.</param>
internal sealed class DropoutStep(
    Dropout dropout, int number, int positions, int input, int output, int source, int state, int channels)
    : RowStep(dropout, input, output, source, state, channels)
{
    /// <inheritdoc/>
    internal override void Apply(ParameterVector parameters, BlockActivations a, int row, int rows)
    {
        if (a.Draws is not TrainingDraws draws)
        {
            base.Apply(parameters, a, row, rows);
            return;
        }

        for (int end = row + rows, count; row < end; row += count)
        {
            (int example, int position) = Math.DivRem(row, positions);
            count = Math.Min(positions - position, end - row);
            dropout.Drop(
                Rows(a, Input, row, count),
                Rows(a, Output, row, count),
                State(a, row, count),
                draws.StreamOf(example, number),
                position * Channels);
        }
    }
}

/// <summary>Begins a residual: its input is the current value.</summary>
/// <param name="residual">The residual's number in the block.</param>
/// <param name="slot">The slot of the value.</param>
/// <param name="channels">Floats in a row.</param>
internal sealed class KeepStep(int residual, int slot, int channels) : Step(slot, slot, channels)
{
    internal int Residual => residual;
}

/// <summary>Ends a residual: adds its input, once for each copy that fits.</summary>
/// <param name="residual">The residual's number in the block.</param>
/// <param name="input">The slot of the sum's first part.</param>
/// <param name="output">The slot of the sum.</param>
/// <param name="kept">The slot of the residual's input.</param>
/// <param name="channels">Floats in a row.</param>
/// <param name="keptChannels">Floats in a row of the residual's input.</param>
internal sealed class AddStep(int residual, int input, int output, int kept, int channels, int keptChannels)
    : Step(input, output, channels)
{
    internal int Residual => residual;

    internal int KeptChannels => keptChannels;

    internal ReadOnlySpan<float> Kept(BlockActivations a, int row, int rows) =>
        a.Slot(kept).Span.Slice(row * keptChannels, rows * keptChannels);

    /// <inheritdoc/>
    internal override void Apply(ParameterVector parameters, BlockActivations a, int row, int rows)
    {
        Span<float> result = Rows(a, Output, row, rows);
        if (Input != Output)
        {
            Rows(a, Input, row, rows).CopyTo(result);
        }

        AddKept(Kept(a, row, rows), result);
    }

    /// <summary>sum += kept for whole rows, the kept rows repeated along the channels.</summary>
    internal void AddKept(ReadOnlySpan<float> kept, Span<float> sum)
    {
        for (int start = 0, width = PieceOf(sum.Length); start < sum.Length; start += width)
        {
            Span<float> part = sum.Slice(start, width);
            TensorPrimitives.Add(part, kept.Slice(start / Channels * keptChannels, width), part);
        }
    }

    /// <summary>Adds to the gradient of the kept rows the gradients that come back through each copy.</summary>
    internal void AddGradient(ReadOnlySpan<float> gradient, Span<float> keptGradient)
    {
        for (int start = 0, width = PieceOf(gradient.Length); start < gradient.Length; start += width)
        {
            Span<float> part = keptGradient.Slice(start / Channels * keptChannels, width);
            TensorPrimitives.Add(gradient.Slice(start, width), part, part);
        }
    }

    /// <summary>Floats that can be added at once: all floats, or one copy of a row.</summary>
    internal int PieceOf(int length) => keptChannels == Channels ? length : keptChannels;
}

/// <summary>A noise site: behind an affine layer and the normalisations that follow it.</summary>
/// <param name="layer">The affine layer.</param>
/// <param name="active">
/// If a ReLU follows, a slot that is above 0 where units are active: noise on inactive units changes nothing. Otherwise -1.
/// </param>
/// <param name="slot">The slot of the value.</param>
/// <param name="channels">Floats in a row.</param>
internal sealed class SiteStep(NetworkLayer layer, int active, int slot, int channels) : Step(slot, slot, channels)
{
    internal NetworkLayer Layer => layer;

    internal bool IsMasked => active >= 0;

    internal ReadOnlySpan<float> Active(BlockActivations a, int row, int rows) => Rows(a, active, row, rows);
}

/// <summary>Copies a value to a slot that must hold it.</summary>
internal sealed class CopyStep(int input, int output, int channels) : Step(input, output, channels)
{
    /// <inheritdoc/>
    internal override void Apply(ParameterVector parameters, BlockActivations a, int row, int rows) =>
        Rows(a, Input, row, rows).CopyTo(Rows(a, Output, row, rows));
}
