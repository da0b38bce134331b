using System.Numerics.Tensors;
using Onward.Kernels;
using Onward.Models;
using Onward.Threads;

namespace Onward.Learning;

/// <summary>
/// Direct feedback alignment (Nøkland 2016): the error at the network's output is broadcast to every layer through a fixed
/// random matrix of that layer, B [K, D], and goes no further than through the layer's own ReLU and normalisation.
/// </summary>
/// <remarks>
/// All patches of an example receive the same signal, divided by their number, as the mean over patches before the readout
/// would hand it out. The paper's code trains each layer on the loss of a random readout of its own instead (spec 4.3).
/// </remarks>
public sealed class DirectFeedbackAlignment : LearningRule
{
    private readonly Memory<float>[] _feedback;
    private readonly Memory<float>[] _signals;

    /// <summary>Draws the feedback matrices, N(0, 1/D).</summary>
    /// <param name="model">The model to train.</param>
    /// <param name="team">The threads that share the work.</param>
    /// <param name="seed">Names the draw of the matrices.</param>
    /// <param name="loss">What the losses measure; null for the default.</param>
    public DirectFeedbackAlignment(LocalMixer model, WorkerTeam team, ulong seed, TrainingLoss? loss = null)
        : this(model, team, [.. model.Blocks.SelectMany(block => block.Layers).Select(layer => Draw(model.Options, layer.Index, seed))], loss)
    {
    }

    /// <summary>Takes a feedback matrix [K, D] for each layer.</summary>
    internal DirectFeedbackAlignment(LocalMixer model, WorkerTeam team, float[][] feedback, TrainingLoss? loss = null)
        : base(model, team, Locality.Network, trainsHeads: false, loss)
    {
        if (Loss.Overlap)
        {
            throw new ArgumentException("Blocks overlap where they learn from losses of their own; here all learn from the error at the network's output.", nameof(loss));
        }

        LocalMixerOptions options = model.Options;
        _feedback = [.. feedback.Select(matrix => Pack(options, matrix))];
        _signals = [.. Tiles.Select(tiles => AlignedMemory.Allocate(tiles[0].Activations.Examples * options.Channels))];
    }

    /// <inheritdoc/>
    private protected override double RuleFlopsPerExample => 4.0 * Model.Options.Patches * Model.Blocks.Sum(block => block.Layers.Sum(layer => layer.Map.MultiplyAddsPerRow));

    private protected override long RuleBytes => sizeof(float) * _signals.Sum(m => (long)m.Length);

    internal override void Differentiate(ReadOnlySpan<BlockTile> tiles)
    {
        LocalMixerOptions options = Model.Options;
        int examples = tiles[0].Examples, channels = options.Channels, outputs = options.HeadOutputs;
        Span<float> signal = _signals[tiles[0].Worker].Span[..(examples * channels)];
        foreach (BlockTile tile in tiles)
        {
            for (int l = 0; l < tile.Block.Layers.Count; l++)
            {
                ReadOnlySpan<float> feedback = _feedback[tile.Block.Layers[l].Index].Span;
                Gemm.MultiplyPacked(GemmLeft.Plain, examples, channels, outputs, tiles[^1].FinalErrors.Span, outputs, feedback, outputs, 0, signal, channels, accumulate: false);
                Span<float> gradient = tile.Gradient(l)[..(tile.Rows * channels)];
                for (int row = 0; row < tile.Rows; row++)
                {
                    TensorPrimitives.Multiply(signal.Slice(row / options.Patches * channels, channels), 1f / options.Patches, gradient.Slice(row * channels, channels));
                }

                bool last = l == tile.Block.Layers.Count - 1;
                Activation.Mask(last ? tile.Result.Span : tile.Activations.Output(l)[..gradient.Length], gradient);
                tile.PassBackThroughNormalization(l);
            }
        }
    }

    private static float[] Draw(LocalMixerOptions options, int layer, ulong seed)
    {
        float[] matrix = new float[options.HeadOutputs * options.Channels];
        CounterRandom.Normals(new RandomStream(seed, RandomPurpose.Feedback, Layer: (uint)layer), 0, matrix);
        TensorPrimitives.Multiply(matrix, 1 / MathF.Sqrt(options.Channels), matrix);
        return matrix;
    }

    private static Memory<float> Pack(LocalMixerOptions options, float[] matrix)
    {
        Memory<float> packed = AlignedMemory.Allocate(Gemm.PackedLength(options.HeadOutputs, options.Channels));
        Gemm.Pack(matrix, options.Channels, transposed: false, options.HeadOutputs, options.Channels, packed.Span, options.HeadOutputs);
        return packed;
    }
}
