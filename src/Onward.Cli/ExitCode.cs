namespace Onward.Cli;

/// <summary>The exit codes of the process.</summary>
internal static class ExitCode
{
    internal const int Done = 0;
    internal const int Unexpected = 1;
    internal const int BadInput = 2;
    internal const int Diverged = 3;
    internal const int Interrupted = 130;
}
