using System.CommandLine;

namespace Onward.Cli;

/// <summary>The options for training from given weights: the weights, and the blocks that keep them.</summary>
internal sealed class StartChoice
{
    private readonly Option<string?> _init = ValueOption.RunOrFile(
        "--init",
        "Start from the weights of a run or a safetensors file. Tensors are matched by name and shape; other parameters are drawn anew");
    private readonly Option<string?> _freeze = new("--freeze")
    {
        Description = "Blocks that training leaves as they are, with their local heads, such as 0-2 or 0,3. Default: none",
        HelpName = "BLOCKS",
    };

    /// <summary>Adds the options to a command.</summary>
    internal void AddTo(Command command)
    {
        command.Add(_init);
        command.Add(_freeze);
    }

    /// <summary>Adds the options to a plan.</summary>
    /// <param name="parse">The command line.</param>
    /// <param name="resolve">Resolves the path of a file.</param>
    /// <param name="plan">The plan.</param>
    internal RunPlan Read(ParseResult parse, Func<string, string> resolve, RunPlan plan)
    {
        plan = plan with
        {
            Freeze = parse.GetValue(_freeze),
            Init = parse.GetValue(_init) is string path ? InitialWeightsFile.Find(resolve(path)) : null,
        };
        return FrozenBlocks.ConflictOf(plan.Freeze, plan.Model, plan.Rule, plan.Options.ComparedSteps) is Func<HostWords, string> conflict
            ? throw new RunException(conflict)
            : plan;
    }
}
