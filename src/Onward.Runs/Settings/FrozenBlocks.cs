using System.Globalization;
using Onward.Rules;

namespace Onward.Runs;

/// <summary>Reads the blocks that a run leaves as they are, such as <c>0-2</c> or <c>0,3</c>.</summary>
internal static class FrozenBlocks
{
    // No network has more blocks than this.
    private const int Most = 1_000_000;

    /// <summary>Reads blocks in order; null if the text names none.</summary>
    /// <param name="text">Blocks and ranges of blocks, separated by commas.</param>
    internal static int[]? TryRead(string text)
    {
        SortedSet<int> blocks = [];
        foreach (string part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            int[] ends = [.. part.Split('-', StringSplitOptions.TrimEntries).Select(end =>
                int.TryParse(end, NumberStyles.None, CultureInfo.InvariantCulture, out int block) && block <= Most ? block : -1)];
            if (ends.Length > 2 || ends.Contains(-1) || ends[^1] < ends[0])
            {
                return null;
            }

            blocks.UnionWith(Enumerable.Range(ends[0], ends[^1] - ends[0] + 1));
        }

        return [.. blocks];
    }

    /// <summary>Names the reason why blocks cannot be frozen; null if they can.</summary>
    /// <param name="text">The blocks; null for none.</param>
    /// <param name="model">The network.</param>
    /// <param name="rule">The learning rule.</param>
    /// <param name="comparedSteps">Steps of an epoch whose gradients are compared with exact ones.</param>
    internal static Func<HostWords, string>? ConflictOf(string? text, ModelSettings model, RuleSettings rule, int comparedSteps)
    {
        if (text is null)
        {
            return null;
        }

        int blocks = model.Blocks;
        return TryRead(text) is not int[] frozen
            ? say => $"{say.Setting("freeze")} names blocks, such as 0-2 or 0,3; got {text}."
            : frozen[^1] >= blocks
            ? say => $"{say.Setting("freeze")} {text}: {model.Name} has "
                + (blocks == 1 ? "block 0 alone." : $"the blocks 0 to {blocks - 1}.")
            : PaperRules.Get(rule.Rule) is { HasPerturbation: true, KeepsLossesInBlocks: false }
            ? say => $"{say.Setting("freeze")} means nothing to {say.Setting("rule")} {rule.Rule}, "
                + "whose noise passes through all blocks. Leave it out, or choose another rule."
            : rule.ControlVariate != ControlVariate.None
            ? say => $"{say.Setting("freeze")} does not go with {say.Setting("control variate")} learned-feedback, "
                + "which is fitted to the estimates of every block. Leave one of them out."
            : comparedSteps > 0
            ? say => $"{say.Setting("freeze")} does not go with {say.Setting("measure gradients")}: frozen blocks have none. "
                + "Leave one of them out."
            : null;
    }
}
