using Onward.Kernels;
using Onward.Layers;
using Onward.Models;

namespace Onward.Rules;

/// <summary>
/// The learned feedback of one layer: its matrix B, the statistics of its fit, and the memory of the wave that the fit is computed
/// from.
/// </summary>
internal sealed class FeedbackLayer
{
    private readonly FeedbackRoom _room;

    /// <summary>Describes the feedback of a layer.</summary>
    /// <param name="block">The layer's block.</param>
    /// <param name="place">The layer's place in the block.</param>
    /// <param name="matrix">B, of the shape of the layer's weight.</param>
    /// <param name="statistics">The averages that <see cref="LearnedFeedback"/> keeps of the fit.</param>
    /// <param name="isExact">True if the gradient of the layer's output is exact, false if it is a prediction.</param>
    /// <param name="room">The memory of the wave.</param>
    internal FeedbackLayer(NetworkBlock block, int place, Parameter matrix, Parameter statistics, bool isExact, FeedbackRoom room)
    {
        (Block, Place, Matrix, Statistics, IsExact, _room) = (block, place, matrix, statistics, isExact, room);
        Packed = AlignedMemory.Allocate(Map.PackedTransposeLength);
    }

    internal NetworkBlock Block { get; }

    internal int Place { get; }

    internal AffineLayer Map => Block.Layers[Place].Map;

    internal Parameter Matrix { get; }

    internal Parameter Statistics { get; }

    internal bool IsExact { get; }

    /// <summary>B, packed for errors that pass back through it.</summary>
    internal Memory<float> Packed { get; }

    /// <summary>The errors of the wave's predictions at the layer's input, divided by |f|^2 [rows, inputs].</summary>
    internal Span<float> Residuals => _room.Residuals.Span;

    /// <summary>The predicted gradients of the layer's output, packed; unused if they are exact, as the wave then holds them.</summary>
    internal Span<float> Features => _room.Features.Span;

    /// <summary>The noise of each example of the wave, with the prediction and without it [examples, 2].</summary>
    internal Span<float> Noise => _room.Noise;

    /// <summary>
    /// Number of units in some rows. A unit is the part that passes through one matrix together, and has one |f|: a group of a row, or
    /// a whole example if the layer mixes rows.
    /// </summary>
    internal int UnitsOf(int rows) => rows / Map.MixedRows * Map.Groups;

    /// <summary>Inputs of one unit.</summary>
    internal int UnitInputs => Map.Inputs / Map.Groups * Map.MixedRows;

    /// <summary>Outputs of one unit.</summary>
    internal int UnitOutputs => Map.Outputs / Map.Groups * Map.MixedRows;
}

/// <summary>The memory of a wave that feedback is fitted from. Layers of blocks that learn one after another share it.</summary>
internal sealed class FeedbackRoom
{
    /// <summary>Allocates the memory for some layers.</summary>
    /// <param name="served">The layers that share the memory, with their blocks, and true for each exact gradient of an output.</param>
    /// <param name="examples">Examples in a wave.</param>
    internal FeedbackRoom(IEnumerable<(NetworkBlock Block, int Place, bool IsExact)> served, int examples)
    {
        int residuals = 0, features = 0;
        foreach ((NetworkBlock block, int place, bool isExact) in served)
        {
            AffineLayer map = block.Layers[place].Map;
            int rows = checked(examples * block.Layers[place].Positions);
            residuals = Math.Max(residuals, checked(rows * map.Inputs));
            features = Math.Max(features, isExact ? 0 : map.PackedGradientLength(rows));
        }

        (Residuals, Features, Noise) = (AlignedMemory.Allocate(residuals), AlignedMemory.Allocate(features), new float[2 * examples]);
    }

    internal Memory<float> Residuals { get; }

    internal Memory<float> Features { get; }

    internal float[] Noise { get; }

    internal long Length => Residuals.Length + Features.Length + Noise.Length;
}
