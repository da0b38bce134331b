using Onward.Kernels;
using Onward.Models;

namespace Onward.Learning;

/// <summary>
/// The examples that are in flight together: memory that tiles write and weight gradients are taken from. Its size does
/// not depend on the batch, and it serves one block after another.
/// </summary>
internal sealed class Wave
{
    // Enough rows that a weight gradient, read and written once a wave, costs little beside its product.
    private const int Rows = 512;

    internal Wave(LocalMixer model, int threads)
    {
        LocalMixerOptions options = model.Options;
        Examples = Math.Max(Math.Max(Rows / options.Patches, 1), options.Patches == 1 ? 1 : threads);
        Capacity = checked(Examples * options.Patches);
        int layers = model.Blocks.Max(block => block.Layers.Count);
        Inputs = [.. Enumerable.Range(0, layers).Select(l => AlignedMemory.Allocate(Largest(l, layer => checked(Capacity * layer.Map.Inputs))))];
        PackedGradients = [.. Enumerable.Range(0, layers).Select(l => AlignedMemory.Allocate(Largest(l, layer => layer.Map.PackedGradientLength(Capacity))))];
        Results = [.. Enumerable.Range(0, 2).Select(_ => AlignedMemory.Allocate(checked(Capacity * options.Channels)))];
        Features = AlignedMemory.Allocate(Examples * options.Channels);
        Errors = AlignedMemory.Allocate(Examples * options.Classes);
        ReadoutFeatures = AlignedMemory.Allocate(Examples * options.Channels);
        ReadoutErrors = AlignedMemory.Allocate(Examples * options.Classes);
        Losses = new float[Examples];
        ReadoutLosses = new float[Examples];
        Mistakes = new bool[Examples];
        Workspace = AlignedMemory.Allocate(2 * Gemm.WorkspaceLength(Examples));

        int Largest(int l, Func<MixerLayer, int> length) => model.Blocks.Where(block => l < block.Layers.Count).Max(block => length(block.Layers[l]));
    }

    /// <summary>Examples that a wave can hold.</summary>
    internal int Examples { get; }

    /// <summary>Rows that a wave can hold.</summary>
    internal int Capacity { get; }

    internal Memory<float>[] Inputs { get; }

    internal Memory<float>[] PackedGradients { get; }

    /// <summary>Output of even and of odd blocks [rows, D].</summary>
    internal Memory<float>[] Results { get; }

    internal Memory<float> Features { get; }

    internal Memory<float> Errors { get; }

    internal Memory<float> ReadoutFeatures { get; }

    internal Memory<float> ReadoutErrors { get; }

    internal float[] Losses { get; }

    internal float[] ReadoutLosses { get; }

    internal bool[] Mistakes { get; }

    /// <summary>Workspace of the head's and of the readout's gradient, which may be computed at the same time.</summary>
    internal Memory<float> Workspace { get; }

    internal long Length =>
        Inputs.Concat(PackedGradients).Concat(Results).Sum(m => (long)m.Length) + Features.Length + Errors.Length + ReadoutFeatures.Length + ReadoutErrors.Length + Workspace.Length;
}
