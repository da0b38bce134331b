using System.Numerics.Tensors;
using Onward.Kernels;

namespace Onward.Models;

/// <summary>
/// One block of a LocalMixer (spec 2.4, 2.5): token mixing (absent in the first block), channel mixing, grouped channel
/// mixing, each followed by normalisation and ReLU; the block's raw input is added before the last ReLU (not in the first).
/// </summary>
public sealed class MixerBlock
{
    // Rows that go through bias, normalisation and ReLU together: few enough to stay in the first cache.
    internal const int ChunkRows = 8;

    private readonly int _patches;
    private readonly int _channels;

    internal MixerBlock(LocalMixerOptions options, int index, IReadOnlyList<MixerLayer> layers, LinearHead head)
    {
        _patches = options.Patches;
        _channels = options.Channels;
        Index = index;
        Layers = layers;
        Head = head;
        FeatureNorm = options.Normalizations.HasFlag(Normalizations.Inter) ? options.ChannelsPerGroup : 0;
        HasResidual = index > 0;
    }

    /// <summary>The block's number, from 0.</summary>
    public int Index { get; }

    /// <summary>Token, channel and grouped layer; the first block lacks the token layer.</summary>
    public IReadOnlyList<MixerLayer> Layers { get; }

    /// <summary>The classifier of the block's local loss.</summary>
    public LinearHead Head { get; }

    /// <summary>Whether the block's input is added before the last ReLU.</summary>
    public bool HasResidual { get; }

    /// <summary>Floats normalised together before the local head; 0 for none.</summary>
    public int FeatureNorm { get; }

    /// <summary>Floats in one row of the block's input.</summary>
    public int Inputs => Layers[0].Map.Inputs;

    /// <summary>Runs the block on the values of one tile.</summary>
    /// <param name="values">The model's parameters.</param>
    /// <param name="x">The block's input [rows, inputs], whole examples.</param>
    /// <param name="inputs">Receives the input of each layer [rows, inputs of the layer], as the weight gradient needs it.</param>
    /// <param name="result">Receives the block's output [rows, D].</param>
    /// <param name="tile">Receives everything else.</param>
    /// <param name="rows">Rows.</param>
    internal void Forward(ParameterVector values, ReadOnlySpan<float> x, Memory<float>[] inputs, Span<float> result, BlockActivations tile, int rows)
    {
        for (int row = 0; row < rows; row += ChunkRows)
        {
            Range chunk = Chunk(row, rows, Inputs);
            x[chunk].CopyTo(inputs[0].Span[chunk]);
            NormalizeInput(0, inputs[0].Span, tile, chunk);
        }

        for (int l = 0; l < Layers.Count; l++)
        {
            MixerLayer layer = Layers[l];
            Span<float> output = tile.Output(l);
            layer.Map.Apply(layer.PackedWeight, inputs[l].Span[..(rows * layer.Map.Inputs)], output[..(rows * _channels)], rows, tile.Workspace.Span);
            for (int row = 0; row < rows; row += ChunkRows)
            {
                Range chunk = Chunk(row, rows, _channels);
                Span<float> n = output[chunk];
                layer.Map.AddBias(values[layer.Bias], n, row % _patches);
                if (layer.OutputNorm > 0)
                {
                    LayerNorm.Normalize(n, n, tile.OutputReciprocal(l)[Runs(chunk, layer.OutputNorm)], layer.OutputNorm);
                }

                if (l + 1 < Layers.Count)
                {
                    Activation.Relu(n, inputs[l + 1].Span[chunk]);
                    NormalizeInput(l + 1, inputs[l + 1].Span, tile, chunk);
                }
                else
                {
                    Finish(n, x, result[chunk], tile, chunk);
                }
            }
        }

        Pool(tile.Features[..(rows * _channels)], tile.Pooled[..(rows / _patches * _channels)]);
    }

    /// <summary>pooled [examples, D] = mean over the patches of rows [examples, P, D].</summary>
    internal void Pool(ReadOnlySpan<float> rows, Span<float> pooled)
    {
        for (int n = 0; n < pooled.Length; n += _channels)
        {
            Span<float> mean = pooled.Slice(n, _channels);
            ReadOnlySpan<float> example = rows.Slice(n * _patches, _patches * _channels);
            example[.._channels].CopyTo(mean);
            for (int p = 1; p < _patches; p++)
            {
                TensorPrimitives.Add(mean, example.Slice(p * _channels, _channels), mean);
            }

            TensorPrimitives.Multiply(mean, 1f / _patches, mean);
        }
    }

    /// <summary>The floats of the chunk of rows that starts at <paramref name="row"/>.</summary>
    internal static Range Chunk(int row, int rows, int width) => (row * width)..(Math.Min(row + ChunkRows, rows) * width);

    /// <summary>The runs, <paramref name="size"/> floats each, that lie in a chunk.</summary>
    internal static Range Runs(Range chunk, int size) => (chunk.Start.Value / size)..(chunk.End.Value / size);

    private void NormalizeInput(int l, Span<float> input, BlockActivations tile, Range chunk)
    {
        int size = Layers[l].InputNorm;
        if (size > 0)
        {
            LayerNorm.Normalize(input[chunk], input[chunk], tile.InputReciprocal(l)[Runs(chunk, size)], size);
        }
    }

    // The block's output and, from it, what its head reads.
    private void Finish(ReadOnlySpan<float> n, ReadOnlySpan<float> x, Span<float> y, BlockActivations tile, Range chunk)
    {
        if (HasResidual)
        {
            Activation.AddRelu(n, x[chunk], y);
        }
        else
        {
            Activation.Relu(n, y);
        }

        if (FeatureNorm > 0)
        {
            LayerNorm.Normalize(y, tile.Features[chunk], tile.FeatureReciprocal[Runs(chunk, FeatureNorm)], FeatureNorm);
        }
        else
        {
            y.CopyTo(tile.Features[chunk]);
        }
    }
}
