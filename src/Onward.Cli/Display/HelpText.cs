using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Onward.Cli;

/// <summary>The root command and its help: a description, options, examples and exit codes.</summary>
internal static class HelpText
{
    private const string About =
        "Trains deep networks without backpropagation, on the CPU. The default learning rule is LG-FG-A: forward gradients with local "
        + "losses, from the paper \"Scaling Forward Gradient With Local Losses\" (ICLR 2023).";

    private const string ExitCodes = """
        Exit codes:
          0 success, 1 unexpected error, 2 invalid option or file,
          3 training diverged, 130 interrupted
        """;

    /// <summary>Creates the root command with all subcommands.</summary>
    internal static RootCommand CreateRoot(Host host)
    {
        RootCommand root = new(About) { HelpName = "onward" };
        root.Options.OfType<VersionOption>().Single().Action = new VersionAction();
        root.Options.OfType<VersionOption>().Single().Description = "Show the version";
        root.Directives.OfType<SuggestDirective>().Single().Action = new CompletionCommand.SuggestAction();
        HelpOption help = root.Options.OfType<HelpOption>().Single();
        help.Description = "Show this help";
        help.Action = new TeachingHelp((HelpAction)help.Action!);
        root.Add(TrainCommand.Create(host));
        root.Add(RunsCommand.Create(host));
        root.Add(ReportCommand.Create(host));
        root.Add(EvalCommand.Create(host));
        root.Add(PredictCommand.Create(host));
        root.Add(SampleCommand.Create(host));
        root.Add(ExportCommand.Create(host));
        root.Add(InspectCommand.Create(host));
        root.Add(FindRateCommand.Create(host));
        root.Add(SweepCommand.Create(host));
        root.Add(CompareCommand.Create(host));
        root.Add(ReproduceCommand.Create(host));
        root.Add(DataCommand.Create(host));
        root.Add(BenchCommand.Create(host));
        root.Add(VarianceCommand.Create(host));
        root.Add(DoctorCommand.Create(host));
        root.Add(CompletionCommand.Create(host));
        root.SetAction(parse => help.Action is TeachingHelp teaching ? teaching.Invoke(parse) : ExitCode.Done);
        return root;
    }

    private sealed class TeachingHelp(HelpAction inner) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            TextWriter output = parseResult.InvocationConfiguration.Output;
            inner.Invoke(parseResult);
            output.Write($"Examples:\n{HelpExamples.Of(parseResult.CommandResult.Command.Name)}\n\n{ExitCodes}\n");
            return ExitCode.Done;
        }
    }

    private sealed class VersionAction : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine($"onward {typeof(HelpText).Assembly.GetName().Version!.ToString(3)}");
            return ExitCode.Done;
        }
    }
}
