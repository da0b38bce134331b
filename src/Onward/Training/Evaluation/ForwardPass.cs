using Onward.Kernels;
using Onward.Models;

namespace Onward.Training;

/// <summary>Runs a tile of images forward through a model on one thread, without tangents or gradients.</summary>
internal sealed class ForwardPass
{
    // Number of rows that share one pass over a block's weights.
    private const int TileRows = 64;

    private readonly Network _model;
    private readonly BlockActivations _activations;
    private readonly Memory<float> _images;
    private readonly Memory<float>[] _inputs;
    private readonly Memory<float>[] _results;
    private readonly Memory<float> _features;
    private readonly Memory<float> _reciprocal;

    internal ForwardPass(Network model)
    {
        _model = model;
        int examples = TileExamples(model), output = checked(examples * model.LargestOutput);
        _activations = model.CreateActivations(examples);
        _images = AlignedMemory.Allocate(checked(examples * model.Input.Length));
        _inputs =
        [
            .. Enumerable.Range(0, model.MostLayers)
                .Select(l => AlignedMemory.Allocate(checked(examples * model.LargestInput(l)))),
        ];
        _results = [AlignedMemory.Allocate(output), AlignedMemory.Allocate(output)];
        int read = checked(examples * model.HeadRows);
        _features = AlignedMemory.Allocate(checked(read * model.Readout.Features));
        _reciprocal = AlignedMemory.Allocate(read);
        Outputs = AlignedMemory.Allocate(checked(read * Math.Max(model.Classes, model.HeadOutputs)));
    }

    /// <summary>Buffer for the outputs of a head. [head row, output]</summary>
    internal Memory<float> Outputs { get; }

    /// <summary>Input features of the readout for the last images. [head row, feature]</summary>
    internal ReadOnlySpan<float> Features => _features.Span;

    /// <summary>Pooled features of the block that ran last. [head row, feature]</summary>
    internal ReadOnlySpan<float> Pooled => _activations.Pooled;

    /// <summary>Output of a block that ran last. [row, channel]</summary>
    internal ReadOnlySpan<float> Output(NetworkBlock block) => _results[block.Index & 1].Span;

    /// <summary>Number of images in a tile of a model.</summary>
    internal static int TileExamples(Network model) => Math.Max(1, TileRows / model.MostRows);

    /// <summary>Runs images through all blocks and computes the input features of the readout.</summary>
    /// <param name="pixels">Standardised images. [example, row, column, channel]</param>
    /// <param name="examples">Number of images, at most <see cref="TileExamples"/>.</param>
    /// <param name="goesOn">Called after each block; returns false to stop there. Null to run all blocks.</param>
    /// <returns>True if the images went through all blocks.</returns>
    internal bool Run(ReadOnlySpan<float> pixels, int examples, Func<NetworkBlock, bool>? goesOn = null)
    {
        _inputs.CopyTo(_activations.Inputs);
        Memory<float> x = _images[..pixels.Length];
        pixels.CopyTo(x.Span);
        for (int k = 0; k < _model.Blocks.Count; k++)
        {
            NetworkBlock block = _model.Blocks[k];
            _activations.Source = x;
            x = _activations.Result = _results[block.Index & 1][..(examples * block.Output.Length)];
            block.Forward(_model.Values, _activations, examples);
            if (goesOn?.Invoke(block) == false)
            {
                return false;
            }
        }

        int read = examples * _model.HeadRows;
        _model.PoolForReadout(x.Span, _features.Span[..(read * _model.Readout.Features)], _reciprocal.Span[..read]);
        return true;
    }
}
