using Onward.Communication;

namespace Onward.Runs;

/// <summary>The processes that share a run. Each makes the same run, and the first alone writes.</summary>
internal abstract class RunProcesses
{
    /// <summary>One process that has the run to itself.</summary>
    internal static RunProcesses One { get; } = new OneProcess();

    /// <summary>The places of the processes; null for one process.</summary>
    internal abstract RankGrid? Grid { get; }

    /// <summary>True if this process writes.</summary>
    internal abstract bool Writes { get; }

    /// <summary>Does something in all processes; a fault in one is a fault in all.</summary>
    internal abstract T Together<T>(Func<T> prepare);

    /// <summary>Does something in the first process, then in the others, which find the files that the first has written.</summary>
    internal abstract T FirstThenOthers<T>(Func<T> prepare)
        where T : class;

    /// <summary>Refuses processes that would make another run than the first.</summary>
    internal abstract void RequireSame(RunConfiguration run);

    private sealed class OneProcess : RunProcesses
    {
        internal override RankGrid? Grid => null;

        internal override bool Writes => true;

        internal override T Together<T>(Func<T> prepare) => prepare();

        internal override T FirstThenOthers<T>(Func<T> prepare) => prepare();

        internal override void RequireSame(RunConfiguration run)
        {
        }
    }
}
