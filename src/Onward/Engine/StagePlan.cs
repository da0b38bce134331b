namespace Onward.Engine;

/// <summary>
/// The stages of a wave, each a run over all of its tiles. If values are recomputed, the first stage goes forward to the last block's
/// input, and each further stage goes through one block, from the last to the first.
/// </summary>
internal sealed class StagePlan
{
    private readonly StepPlan _plan;

    internal StagePlan(StepPlan plan)
    {
        _plan = plan;
        (First, End) = (plan.OwnBlocks.Start.Value, plan.OwnBlocks.End.Value);
        Slices = [.. Enumerable.Range(0, Stages).Select(stage => Learning(stage).SelectMany(SlicesOf).Concat(HeadsOf(stage)).ToArray())];
    }

    /// <summary>The first block that this process trains.</summary>
    internal int First { get; }

    /// <summary>The block after the last block that this process trains.</summary>
    internal int End { get; }

    /// <summary>True if this process trains the network's last block, and with it the final head.</summary>
    internal bool HasFinalHead => End == _plan.Model.Blocks.Count;

    internal int Stages => _plan.Locality switch
    {
        Locality.Block => End - First,
        Locality.Network => 1,
        _ => End - First + 1,
    };

    /// <summary>
    /// The weight gradients to compute in each stage: slices of layers; with layer -1, a local head or, after the last block, the final
    /// head. [stage]
    /// </summary>
    internal (int Block, int Layer, int Slice)[][] Slices { get; }

    /// <summary>The blocks that learn in a stage: from the first to before the end.</summary>
    internal (int First, int End) BlocksOf(int stage) => _plan.Locality switch
    {
        Locality.Block => (First + stage, First + stage + 1),
        Locality.Network => (First, End),
        _ => stage == 0 ? (0, 0) : (End - stage, End - stage + 1),
    };

    /// <summary>The blocks that learn in a stage, one by one.</summary>
    internal IEnumerable<int> Learning(int stage) => Enumerable.Range(BlocksOf(stage).First, BlocksOf(stage).End - BlocksOf(stage).First);

    private IEnumerable<(int Block, int Layer, int Slice)> SlicesOf(int k) => !_plan.LeavesOutputGradients || _plan.Frozen[k] ? []
        : _plan.Model.Blocks[k].Layers.SelectMany((layer, l) => Enumerable.Range(0, layer.Map.Slices).Select(slice => (k, l, slice)));

    private IEnumerable<(int Block, int Layer, int Slice)> HeadsOf(int stage) =>
        Learning(stage).Where(k => _plan.TrainsHeads && !_plan.Frozen[k])
            .Concat(stage == Stages - 1 && HasFinalHead ? [End] : [])
            .Select(k => (k, -1, 0));
}
