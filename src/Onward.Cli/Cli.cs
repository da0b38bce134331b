using System.CommandLine;
using System.CommandLine.Invocation;
using Onward.Data;

namespace Onward.Cli;

/// <summary>The command <c>onward</c>.</summary>
internal static class Cli
{
    /// <summary>Runs one command. Every exception becomes one line on <see cref="Host.Error"/>.</summary>
    /// <param name="args">The command line after <c>onward</c>.</param>
    /// <param name="host">The environment of the command.</param>
    /// <returns>The exit code of the process.</returns>
    internal static int Run(string[] args, Host host)
    {
        // If JSON goes to the terminal, no progress is redrawn there, so that a recording of the terminal contains whole lines.
        bool isJson = args.Any(arg => arg == "--json" || arg.StartsWith("--json=", StringComparison.Ordinal));
        host = host.OutIsTerminal && isJson ? host with { ErrorIsTerminal = false } : host;
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
