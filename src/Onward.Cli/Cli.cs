using System.CommandLine;
using System.CommandLine.Invocation;
using Onward.Data;

namespace Onward.Cli;

/// <summary>The command <c>onward</c>.</summary>
internal static class Cli
{
    /// <summary>Runs one command; every fault becomes one line on <see cref="Host.Error"/>.</summary>
    /// <param name="args">The words after <c>onward</c>.</param>
    /// <param name="host">What the command touches outside itself.</param>
    /// <returns>The process's exit code.</returns>
    internal static int Run(string[] args, Host host)
    {
        // With results of JSON on the same terminal nothing is redrawn, so that what records the terminal has whole lines.
        host = host.OutIsTerminal
            && args.Any(arg => arg == "--json" || arg.StartsWith("--json=", StringComparison.Ordinal))
            ? host with { ErrorIsTerminal = false }
            : host;
        try
        {
            RootCommand root = HelpText.CreateRoot(host);
            ParseResult parse = root.Parse(ConfigurationFile.Expand(args, root, host), ValueOption.Parsing);
            if (parse.Action is ParseErrorAction)
            {
                throw new CommandFault(ParseFaults.Describe(parse));
            }

            int code = parse.Invoke(new InvocationConfiguration
            {
                Output = host.Out,
                Error = host.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
            host.ShowSkipped();
            return code;
        }
        catch (Exception fault)
        {
            (int code, string message) = Faults.Describe(fault);
            if (fault is not DataException)
            {
                host.ShowSkipped();
            }

            host.Error.WriteLine($"onward: {message}");
            if (host.ShowTraces)
            {
                host.Error.Write($"{fault}\n");
            }

            return code;
        }
    }
}
