using Onward.Kernels;
using Onward.Models;

namespace Onward.Training;

/// <summary>Runs a tile of images forward through a model on one thread, without tangents or gradients.</summary>
internal sealed class ForwardPass
{
    // Number of rows that share one pass over a block's weights.
    private const int TileRows = 64;

    private readonly LocalMixer _model;
    private readonly BlockActivations _activations;
    private readonly Memory<float> _patches;
    private readonly Memory<float>[] _inputs;
    private readonly Memory<float>[] _results;
    private readonly Memory<float> _narrowed;
    private readonly Memory<float> _features;
    private readonly Memory<float> _reciprocal;

    internal ForwardPass(LocalMixer model)
    {
        _model = model;
        LocalMixerOptions options = model.Options;
        int examples = TileExamples(model), output = checked(examples * model.LargestOutput);
        _activations = new BlockActivations(model, examples);
        _patches = AlignedMemory.Allocate(checked(examples * options.Patches * options.PatchVector));
        _inputs =
        [
            .. Enumerable.Range(0, model.Blocks.Max(block => block.Layers.Count))
                .Select(l => AlignedMemory.Allocate(checked(examples * model.LargestLayer(l, layer => layer.Inputs)))),
        ];
        _results = [AlignedMemory.Allocate(output), AlignedMemory.Allocate(output)];
        _narrowed = AlignedMemory.Allocate(model.Blocks.Any(block => block.InputPooling is not null) ? output : 0);
        _features = AlignedMemory.Allocate(examples * model.Readout.Features);
        _reciprocal = AlignedMemory.Allocate(examples);
        Outputs = AlignedMemory.Allocate(examples * Math.Max(options.Classes, options.HeadOutputs));
    }

    /// <summary>Buffer for the outputs of a head. [example, output]</summary>
    internal Memory<float> Outputs { get; }

    /// <summary>Input features of the readout for the last images. [example, feature]</summary>
    internal ReadOnlySpan<float> Features => _features.Span;

    /// <summary>Pooled features of the block that ran last. [example, feature]</summary>
    internal ReadOnlySpan<float> Pooled => _activations.Pooled;

    /// <summary>Output of a block that ran last. [row, channel]</summary>
    internal ReadOnlySpan<float> Output(MixerBlock block) => _results[block.Index & 1].Span;

    /// <summary>Number of images in a tile of a model.</summary>
    internal static int TileExamples(LocalMixer model) => Math.Max(1, TileRows / model.Options.Patches);

    /// <summary>Runs images through all blocks and computes the input features of the readout.</summary>
    /// <param name="pixels">Standardised images. [example, row, column, channel]</param>
    /// <param name="examples">Number of images, at most <see cref="TileExamples"/>.</param>
    /// <param name="goesOn">Called after each block; returns false to stop there. Null to run all blocks.</param>
    /// <returns>True if the images went through all blocks.</returns>
    internal bool Run(ReadOnlySpan<float> pixels, int examples, Func<MixerBlock, bool>? goesOn = null)
    {
        LocalMixerOptions options = _model.Options;
        int image = pixels.Length / examples, patches = options.Patches * options.PatchVector;
        for (int n = 0; n < examples; n++)
        {
            PatchExtraction.Extract(options, pixels.Slice(n * image, image), _patches.Span.Slice(n * patches, patches));
        }

        Memory<float> x = _patches[..(examples * patches)];
        foreach (MixerBlock block in _model.Blocks)
        {
            int rows = examples * block.Patches;
            Memory<float> result = _results[block.Index & 1][..(rows * block.Channels)];
            block.Forward(_model.Values, block.Narrow(x, _narrowed, rows).Span, _inputs, result.Span, _activations, rows);
            if (goesOn?.Invoke(block) == false)
            {
                return false;
            }

            x = result;
        }

        _model.PoolForReadout(x.Span, _features.Span[..(examples * _model.Readout.Features)], _reciprocal.Span[..examples]);
        return true;
    }
}
