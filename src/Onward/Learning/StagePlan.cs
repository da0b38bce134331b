namespace Onward.Learning;

/// <summary>
/// The stages that a rule takes a wave through, each a run over all of its tiles. Where values are recomputed, the first one goes
/// forward as far as the last block's input; then each goes through one block, from the last to the first.
/// </summary>
internal sealed class StagePlan
{
    private readonly LearningRule _rule;

    internal StagePlan(LearningRule rule)
    {
        _rule = rule;
        (First, End) = (rule.OwnBlocks.Start.Value, rule.OwnBlocks.End.Value);
        Slices = [.. Enumerable.Range(0, Stages).Select(stage => Learning(stage).SelectMany(SlicesOf).Concat(HeadsOf(stage)).ToArray())];
    }

    /// <summary>The first of the blocks that this process trains.</summary>
    internal int First { get; }

    /// <summary>The block after the last of them.</summary>
    internal int End { get; }

    /// <summary>Whether the network's last block is among them, and with it the final head.</summary>
    internal bool HasFinalHead => End == _rule.Model.Blocks.Count;

    internal int Stages => _rule.Locality switch
    {
        Locality.Block => End - First,
        Locality.Network => 1,
        _ => End - First + 1,
    };

    /// <summary>The weight gradients to take in each stage: slices of layers; with layer -1, a local head or, after the last block, the final one. [stage]</summary>
    internal (int Block, int Layer, int Slice)[][] Slices { get; }

    /// <summary>The slices of what the rule's feedback is fitted from; asked for in a step, as a rule makes its feedback after its plan. [stage]</summary>
    internal (FeedbackLayer Layer, int Slice)[][] Fits => field ??=
        [.. Enumerable.Range(0, Stages).Select(stage => Learning(stage).SelectMany(k => _rule.Feedback?.SlicesOf(k) ?? []).ToArray())];

    /// <summary>The blocks that learn in a stage: from the first to before the end.</summary>
    internal (int First, int End) BlocksOf(int stage) => _rule.Locality switch
    {
        Locality.Block => (First + stage, First + stage + 1),
        Locality.Network => (First, End),
        _ => stage == 0 ? (0, 0) : (End - stage, End - stage + 1),
    };

    /// <summary>The same, one by one.</summary>
    internal IEnumerable<int> Learning(int stage) => Enumerable.Range(BlocksOf(stage).First, BlocksOf(stage).End - BlocksOf(stage).First);

    private IEnumerable<(int Block, int Layer, int Slice)> SlicesOf(int k) => !_rule.LeavesOutputGradients ? []
        : _rule.Model.Blocks[k].Layers.SelectMany((layer, l) => Enumerable.Range(0, layer.Map.Slices).Select(slice => (k, l, slice)));

    private IEnumerable<(int Block, int Layer, int Slice)> HeadsOf(int stage) =>
        Learning(stage).Where(_ => _rule.TrainsHeads).Concat(stage == Stages - 1 && HasFinalHead ? [End] : []).Select(k => (k, -1, 0));
}
