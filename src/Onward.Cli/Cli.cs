using System.CommandLine;
using System.CommandLine.Invocation;
using System.Globalization;
using Onward.Communication;
using Onward.Data;
using Onward.Mpi;
using Onward.Training;

namespace Onward.Cli;

/// <summary>The command <c>onward</c>.</summary>
internal static class Cli
{
    /// <summary>How words are told apart.</summary>
    internal static readonly ParserConfiguration Parsing = new() { EnablePosixBundling = false, ResponseFileTokenReplacer = null };

    /// <summary>The version of this program.</summary>
    internal static string Version { get; } = typeof(Cli).Assembly.GetName().Version!.ToString(3);

    /// <summary>Runs one command; every fault becomes one line on <see cref="Host.Error"/>.</summary>
    /// <param name="args">The words after <c>onward</c>.</param>
    /// <param name="host">What the command touches outside itself.</param>
    /// <returns>The process's exit code.</returns>
    internal static int Run(string[] args, Host host)
    {
        // With results of JSON on the same terminal nothing is redrawn, so that what records the terminal has whole lines.
        host = host.OutIsTerminal && args.Any(arg => arg == "--json" || arg.StartsWith("--json=", StringComparison.Ordinal)) ? host with { ErrorIsTerminal = false } : host;
        try
        {
            RootCommand root = HelpText.CreateRoot(host);
            ParseResult parse = root.Parse(ConfigurationFile.Expand(args, root, host), Parsing);
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
            (int code, string message) = Describe(fault);
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

    /// <summary>The exit code and the message of a fault.</summary>
    internal static (int Code, string Message) Describe(Exception fault) => fault switch
    {
        RunException or DataException or DownloadUnavailableException or ModelFileException or MpiException or RankMismatchException => (ExitCode.BadInput, fault.Message),
        TrainingDivergedException => (ExitCode.Diverged, fault.Message),
        InterruptedException => (ExitCode.Interrupted, fault.Message),
        OperationCanceledException => (ExitCode.Interrupted, "interrupted."),
        OutOfMemoryException => (ExitCode.BadInput, "not enough memory. Take a smaller model or batch, or fewer threads."),
        _ => (ExitCode.Unexpected, string.Create(
            CultureInfo.InvariantCulture,
            $"unexpected error: {fault.GetType().Name}: {OneLine(fault.Message)} Set ONWARD_DEBUG=1 and run it again to see where.")),
    };

    // Messages of libraries may have several lines.
    private static string OneLine(string text) => string.Join(' ', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
