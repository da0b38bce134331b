using System.Numerics.Tensors;
using Onward.Engine;
using Onward.Kernels;
using Onward.Losses;
using Onward.Models;
using static System.FormattableString;

namespace Onward.Rules;

/// <summary>
/// Direct feedback alignment (Nøkland 2016). Each layer receives the error at the network's output through a fixed random matrix
/// of its own, B [K, D]. From there the error passes back only through the layer's own ReLU and normalisation.
/// </summary>
/// <remarks>
/// All patches of an example receive the same signal, divided by the number of patches: the gradient of the mean over patches
/// before the readout. If the network predicts tokens, each position receives its own error. The paper's code instead trains each layer on
/// the loss of a random readout of its own.
/// </remarks>
public sealed class DirectFeedbackAlignment : LearningRule
{
    private readonly Func<Network, NetworkLayer, float[]> _matrixOf;
    private readonly string _matrices;
    private Memory<float>[] _feedback = [];
    private Memory<float>[] _signals = [];

    /// <summary>Creates the rule. Its feedback matrices are drawn once, N(0, 1/D).</summary>
    /// <param name="seed">The seed of the matrices.</param>
    /// <param name="loss">Settings of the losses; null for the defaults.</param>
    /// <exception cref="ArgumentException">A setting of the loss is out of range.</exception>
    public DirectFeedbackAlignment(ulong seed, TrainingLoss? loss = null)
        : this(
            (network, layer) => Draw(network.HeadOutputs, layer, seed),
            Invariant($"through random matrices of seed {seed}"),
            loss)
    {
    }

    /// <summary>Creates the rule from a feedback matrix [K, outputs of the layer] for each layer.</summary>
    internal DirectFeedbackAlignment(float[][] feedback)
        : this((_, layer) => feedback[layer.Index], "through given matrices", null)
    {
    }

    private DirectFeedbackAlignment(Func<Network, NetworkLayer, float[]> matrixOf, string matrices, TrainingLoss? loss)
        : base(Locality.Network, trainsHeads: false, loss) => (_matrixOf, _matrices) = (matrixOf, matrices);

    /// <inheritdoc/>
    protected override IEnumerable<string> Settings => [_matrices];

    internal override bool GradientsAreFinalInSlices => true;

    /// <inheritdoc/>
    protected internal override long RuleBytes => sizeof(float) * _signals.Sum(m => (long)m.Length);

    /// <inheritdoc/>
    protected override void Prepare(TrainingStep training)
    {
        Network network = training.Network;
        NetworkLayer[] layers = [.. network.Blocks.SelectMany(block => block.Layers)];
        _feedback = [.. layers.Select(layer => Pack(network.HeadOutputs, _matrixOf(network, layer)))];
        int widest = layers.Max(layer => layer.Map.Outputs);
        int signal = checked(training.Tiles[0][0].Activations.Examples * network.HeadRows * widest);
        _signals = [.. training.Tiles.Select(_ => AlignedMemory.Allocate(signal))];
    }

    /// <inheritdoc/>
    protected internal override void Differentiate(ReadOnlySpan<BlockTile> tiles)
    {
        int rows = tiles[^1].HeadRows, outputs = Step.Network.HeadOutputs;
        foreach (BlockTile tile in tiles)
        {
            for (int l = 0; !Step.IsFrozen(tile.Block.Index) && l < tile.Block.Layers.Count; l++)
            {
                int channels = tile.Block.Layers[l].Map.Outputs;
                Span<float> signal = _signals[tile.Worker].Span[..(rows * channels)];
                ReadOnlySpan<float> feedback = _feedback[tile.Block.Layers[l].Index].Span;
                Gemm.MultiplyPacked(
                    new(tiles[^1].FinalErrors.Span, rows, outputs),
                    new(feedback, outputs, channels),
                    signal,
                    channels,
                    accumulate: false);
                tile.Spread(signal, tile.Gradient(l));
                tile.PassBackThroughActivation(l);
            }
        }
    }

    private static float[] Draw(int outputs, NetworkLayer layer, ulong seed)
    {
        float[] matrix = new float[outputs * layer.Map.Outputs];
        CounterRandom.Normals(new RandomStream(seed, RandomPurpose.Feedback, Layer: (uint)layer.Index), 0, matrix);
        TensorPrimitives.Multiply(matrix, 1 / MathF.Sqrt(layer.Map.Outputs), matrix);
        return matrix;
    }

    private static Memory<float> Pack(int outputs, float[] matrix)
    {
        int channels = matrix.Length / outputs;
        Memory<float> packed = AlignedMemory.Allocate(Gemm.PackedLength(outputs, channels));
        Gemm.Pack(new(matrix, outputs, channels), packed.Span, outputs);
        return packed;
    }
}
