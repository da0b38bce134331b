using System.Numerics.Tensors;
using Onward.Kernels;
using Onward.Layers;

namespace Onward.Models;

/// <summary>
/// One block of a LocalMixer (paper's code): token mixing, channel mixing and grouped channel mixing, each followed by normalisation
/// and ReLU. The block's input is added before the last ReLU. The first block has neither token mixing nor this residual.
/// </summary>
public sealed class MixerBlock
{
    // Rows that pass through bias, normalisation and ReLU together: few enough to stay in the first cache.
    internal const int ChunkRows = 4;

    internal MixerBlock(LocalMixerOptions options, int index, IReadOnlyList<MixerLayer> layers, LinearHead head)
    {
        Patches = options.PatchesOf(index);
        Channels = options.ChannelsOf(index);
        Groups = options.GroupsOf(index);
        Index = index;
        Layers = layers;
        Head = head;
        FeatureNorm = options.Normalizations.HasFlag(Normalizations.Inter) ? ChannelsPerGroup : 0;
        Epsilon = options.Epsilon;
        HasResidual = index > 0;
        int before = index == 0 ? options.PatchesPerSide : options.PatchesPerSideOf(index - 1), side = options.PatchesPerSideOf(index);
        InputPooling = side < before ? new GridPooling(options.Pooling, before, options.Downsample[index - 1], Inputs) : null;
    }

    /// <summary>The block's number, from 0.</summary>
    public int Index { get; }

    /// <summary>Patches of an example, P.</summary>
    public int Patches { get; }

    /// <summary>Channels of the output, D.</summary>
    public int Channels { get; }

    /// <summary>Channel groups, G.</summary>
    public int Groups { get; }

    /// <summary>Channels of one group, C.</summary>
    public int ChannelsPerGroup => Channels / Groups;

    /// <summary>The pooling of the previous block's output to a narrower grid; null if that output is this block's input.</summary>
    public GridPooling? InputPooling { get; }

    /// <summary>Token, channel and grouped layer; the first block lacks the token layer.</summary>
    public IReadOnlyList<MixerLayer> Layers { get; }

    /// <summary>The classifier of the block's local loss.</summary>
    public LinearHead Head { get; }

    /// <summary>
    /// True if the block's input is added before the last ReLU. If the block widens, the input is repeated along the channels.
    /// </summary>
    public bool HasResidual { get; }

    /// <summary>Number added to the variance in each normalisation.</summary>
    public float Epsilon { get; }

    /// <summary>Floats normalised together before the local head; 0 for none.</summary>
    public int FeatureNorm { get; }

    /// <summary>
    /// Floating-point operations in the matrix products and convolutions of one example's values; the head is not counted.
    /// </summary>
    public long FlopsPerExample => 2L * Patches * Layers.Sum(layer => layer.Map.MultiplyAddsPerRow);

    /// <summary>Floats in one row of the block's input.</summary>
    public int Inputs => Layers[0].Map.Inputs;

    /// <summary>
    /// Computes the block's input from the output of the previous block: the output itself, or its pooling to a narrower grid.
    /// </summary>
    /// <param name="previous">Output of the previous block, whole examples.</param>
    /// <param name="room">Receives the input if the grid narrows.</param>
    /// <param name="rows">Rows of the input.</param>
    internal Memory<float> Narrow(Memory<float> previous, Memory<float> room, int rows)
    {
        if (InputPooling is null)
        {
            return previous;
        }

        Memory<float> narrowed = room[..(rows * Inputs)];
        InputPooling.Apply(previous.Span, narrowed.Span);
        return narrowed;
    }

    /// <summary>Runs the block on the values of one tile.</summary>
    /// <param name="values">The model's parameters.</param>
    /// <param name="x">The block's input [rows, inputs], whole examples.</param>
    /// <param name="inputs">Receives the input of each layer [rows, inputs of the layer], as the weight gradient needs it.</param>
    /// <param name="result">Receives the block's output [rows, D].</param>
    /// <param name="tile">Receives everything else.</param>
    /// <param name="rows">Rows.</param>
    internal void Forward(
        ParameterVector values, ReadOnlySpan<float> x, Memory<float>[] inputs, Span<float> result, BlockActivations tile, int rows)
    {
        for (int row = 0; row < rows; row += ChunkRows)
        {
            Range chunk = Chunk(row, rows, Inputs);
            int size = Layers[0].InputNorm;
            if (size > 0)
            {
                LayerNorm.Normalize(x[chunk], inputs[0].Span[chunk], tile.InputReciprocal(0)[Runs(chunk, size)], size, Epsilon);
            }
            else
            {
                x[chunk].CopyTo(inputs[0].Span[chunk]);
            }
        }

        for (int l = 0; l < Layers.Count; l++)
        {
            MixerLayer layer = Layers[l];
            Span<float> output = tile.Output(l);
            ReadOnlySpan<float> upcoming = l + 1 < Layers.Count ? inputs[l + 1].Span : result;
            layer.Map.Apply(
                layer.PackedWeight,
                inputs[l].Span[..(rows * layer.Map.Inputs)],
                output[..(rows * layer.Map.Outputs)],
                rows,
                tile.Workspace.Span,
                accumulate: false,
                upcoming);
            for (int row = 0; row < rows; row += ChunkRows)
            {
                Range chunk = Chunk(row, rows, layer.Map.Outputs);
                Span<float> n = output[chunk];
                AddBiasAndNormalize(
                    layer,
                    values.Read(layer.Bias),
                    n,
                    row % Patches,
                    layer.OutputNorm > 0 ? tile.OutputReciprocal(l)[Runs(chunk, layer.OutputNorm)] : []);
                if (l + 1 < Layers.Count)
                {
                    RectifyAndNormalize(l + 1, n, inputs[l + 1].Span[chunk], tile, chunk);
                }
                else
                {
                    Finish(n, HasResidual ? x[Chunk(row, rows, Inputs)] : [], result[chunk], tile, chunk);
                }
            }
        }

        Pool(tile.Features[..(rows * Channels)], tile.Pooled[..(rows / Patches * Channels)]);
    }

    /// <summary>pooled [examples, D] = mean over the patches of rows [examples, P, D].</summary>
    internal void Pool(ReadOnlySpan<float> rows, Span<float> pooled)
    {
        if (Patches == 1)
        {
            rows[..pooled.Length].CopyTo(pooled);
            return;
        }

        for (int n = 0; n < pooled.Length; n += Channels)
        {
            Span<float> mean = pooled.Slice(n, Channels);
            ReadOnlySpan<float> example = rows.Slice(n * Patches, Patches * Channels);
            example[..Channels].CopyTo(mean);
            for (int p = 1; p < Patches; p++)
            {
                TensorPrimitives.Add(mean, example.Slice(p * Channels, Channels), mean);
            }

            TensorPrimitives.Multiply(mean, 1f / Patches, mean);
        }
    }

    /// <summary>The floats of the chunk of rows that starts at <paramref name="row"/>.</summary>
    internal static Range Chunk(int row, int rows, int width) => (row * width)..(Math.Min(row + ChunkRows, rows) * width);

    /// <summary>The runs, <paramref name="size"/> floats each, that lie in a chunk.</summary>
    internal static Range Runs(Range chunk, int size) => (chunk.Start.Value / size)..(chunk.End.Value / size);

    private void AddBiasAndNormalize(MixerLayer layer, ReadOnlySpan<float> bias, Span<float> n, int firstPatch, Span<float> reciprocal)
    {
        if (layer.OutputNorm > 0 && layer.Map.HasBiasOfRow)
        {
            LayerNorm.NormalizeBiased(n, bias, n, reciprocal, layer.OutputNorm, Epsilon);
            return;
        }

        layer.Map.AddBias(bias, n, firstPatch);
        if (layer.OutputNorm > 0)
        {
            LayerNorm.Normalize(n, n, reciprocal, layer.OutputNorm, Epsilon);
        }
    }

    private void RectifyAndNormalize(int l, ReadOnlySpan<float> n, Span<float> input, BlockActivations tile, Range chunk)
    {
        int size = Layers[l].InputNorm;
        if (size > 0)
        {
            LayerNorm.NormalizeRectified(n, input, tile.InputReciprocal(l)[Runs(chunk, size)], size, Epsilon);
        }
        else
        {
            Activation.Relu(n, input);
        }
    }

    /// <summary>result = max(0, n + residual) for whole rows, the residual [rows, inputs] repeated along the channels.</summary>
    internal void AddResidualRelu(ReadOnlySpan<float> n, ReadOnlySpan<float> residual, Span<float> result)
    {
        for (int start = 0, width = RepeatedWidth(n.Length); start < n.Length; start += width)
        {
            Activation.AddRelu(n.Slice(start, width), residual.Slice(start / Channels * Inputs, width), result.Slice(start, width));
        }
    }

    /// <summary>tangent += residual for whole rows, the residual [rows, inputs] repeated along the channels.</summary>
    internal void AddResidual(ReadOnlySpan<float> residual, Span<float> tangent)
    {
        for (int start = 0, width = RepeatedWidth(tangent.Length); start < tangent.Length; start += width)
        {
            Span<float> part = tangent.Slice(start, width);
            TensorPrimitives.Add(part, residual.Slice(start / Channels * Inputs, width), part);
        }
    }

    /// <summary>Adds to inputGradient [rows, inputs] the output gradients [rows, D] that come back through the residual.</summary>
    internal void AddResidualGradient(ReadOnlySpan<float> gradient, Span<float> inputGradient)
    {
        for (int start = 0, width = RepeatedWidth(gradient.Length); start < gradient.Length; start += width)
        {
            Span<float> part = inputGradient.Slice(start / Channels * Inputs, width);
            TensorPrimitives.Add(gradient.Slice(start, width), part, part);
        }
    }

    // Floats that a residual can be added to at once: all floats, or one copy of a row.
    private int RepeatedWidth(int length) => Inputs == Channels ? length : Inputs;

    // Computes the block's output and the features of its head.
    private void Finish(ReadOnlySpan<float> n, ReadOnlySpan<float> x, Span<float> y, BlockActivations tile, Range chunk)
    {
        if (HasResidual)
        {
            AddResidualRelu(n, x, y);
        }
        else
        {
            Activation.Relu(n, y);
        }

        if (FeatureNorm > 0)
        {
            LayerNorm.Normalize(y, tile.Features[chunk], tile.FeatureReciprocal[Runs(chunk, FeatureNorm)], FeatureNorm, Epsilon);
        }
        else
        {
            y.CopyTo(tile.Features[chunk]);
        }
    }
}
