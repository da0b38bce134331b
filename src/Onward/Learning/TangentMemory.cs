using Onward.Kernels;
using Onward.Models;

namespace Onward.Learning;

/// <summary>One thread's memory for the tangent of one tile. Rows are [example, patch].</summary>
internal sealed class TangentMemory
{
    private readonly Memory<float>[] _directions;
    private readonly BlockTile _tile;

    internal TangentMemory(LocalMixer model, BlockTile tile, int passes)
    {
        int rows = tile.Activations.Examples * model.Options.Patches, channels = model.Options.Channels;
        _tile = tile;
        _directions = passes == 1 ? [] : [.. tile.Inputs.Select(_ => AlignedMemory.Allocate(rows * channels))];
        Input = AlignedMemory.Allocate(rows * channels);
        Output = AlignedMemory.Allocate(rows * channels);
        GroupCredit = AlignedMemory.Allocate(rows * model.Options.Groups);
        RowCredit = AlignedMemory.Allocate(rows);
    }

    /// <summary>Tangent of a layer's input [rows, D].</summary>
    internal Memory<float> Input { get; }

    /// <summary>Tangent of a layer's output, then of its activation [rows, D].</summary>
    internal Memory<float> Output { get; }

    /// <summary>Directional derivative of the losses that each patch and group is credited with [rows, G].</summary>
    internal Memory<float> GroupCredit { get; }

    /// <summary>The same, added over the groups of a patch [rows].</summary>
    internal Memory<float> RowCredit { get; }

    internal long Bytes => sizeof(float) * (_directions.Sum(m => (long)m.Length) + Input.Length + Output.Length + GroupCredit.Length + RowCredit.Length);

    /// <summary>A layer's noise where its units are active [rows, D]. A single pass scales it to the gradient in place.</summary>
    internal Span<float> Direction(int layer) => _directions.Length == 0 ? _tile.Gradient(layer) : _directions[layer].Span;
}
