using System.Globalization;
using Onward.Formats;
using Onward.Training;

namespace Onward.Runs;

/// <summary>A kept run that goes on where its process was stopped, or in a new folder from the end of one of its epochs.</summary>
internal sealed class ContinuedRun : IDisposable
{
    private readonly TrainingRun? _run;

    private ContinuedRun(RunConfiguration begun, RunFolder? folder, TrainingRun? run, Checkpoint? from) =>
        (Begun, Folder, _run, From) = (begun, folder, run, from);

    /// <summary>The run as it was begun.</summary>
    internal RunConfiguration Begun { get; }

    /// <summary>The folder that the run writes to; null where another process writes.</summary>
    internal RunFolder? Folder { get; }

    /// <summary>The checkpoint that the run goes on from; null where it starts from its beginning, or has ended.</summary>
    internal Checkpoint? From { get; }

    /// <summary>The result of a run that has ended before; null where it goes on.</summary>
    internal RunResult? Ended { get; private init; }

    /// <summary>The run, ready to go on; it has not ended.</summary>
    internal TrainingRun Run => _run ?? throw new InvalidOperationException("The run has ended.");

    /// <summary>The place that the run goes on from, for a message.</summary>
    internal string Place => From is null ? " from its beginning"
        : From.Step > 0
        ? string.Create(
            CultureInfo.InvariantCulture, $" after step {From.Step + From.ReadoutStep} of epoch {From.Epochs.Count + 1} of {Begun.Epochs}")
        : string.Create(CultureInfo.InvariantCulture, $" after epoch {From.Epochs.Count} of {Begun.Epochs}");

    /// <summary>Goes on with a run in its folder. All that can be wrong is found before the folder is written to.</summary>
    /// <param name="path">The run's folder.</param>
    /// <param name="asked">The settings that may be new.</param>
    /// <param name="host">Takes notices.</param>
    /// <param name="processes">The processes that share the run.</param>
    /// <exception cref="RunException">The folder is in use or damaged, or the run was begun with other images.</exception>
    /// <exception cref="ModelFileException">The checkpoint is of another run.</exception>
    internal static ContinuedRun Open(string path, Continuation asked, RunHost host, RunProcesses processes)
    {
        RunConfiguration old = processes.Together(() => RunFolder.ReadConfiguration(path));
        RunFolder? folder = processes.Together(() => processes.Writes ? RunFolder.Reopen(path, asked.Checkpoints) : null);
        TrainingRun? run = null;
        try
        {
            // Epochs that are those of the run ask for nothing, unless the run was being lengthened when its process was killed.
            RunResult? ended = processes.Together(() => RunFolder.TryReadResult(path));
            if (ended is not null && (ended.Divergence is not null || asked.Epochs is null || asked.Epochs == ended.Epochs))
            {
                return new ContinuedRun(old, folder, null, null) { Ended = ended };
            }

            Checkpoint? from = processes.Together(() => RunFolder.ReadCheckpoint(path, fault => host.Notices.Add(
                $"going on from an earlier checkpoint, because the newest is not intact: {fault}")));
            RunConfiguration begun = processes.Together(() => Lengthen(path, old, ended, from, asked.Epochs, host));
            run = Prepare(path, begun, from, asked, host, processes);
            if (begun != old || ended is not null)
            {
                folder?.Lengthen(begun);
            }

            folder?.Begin(begun, run.Blocks, from?.Epochs ?? []);
            BeginEvents(path, run, folder, asked);
            return new ContinuedRun(begun, folder, run, from);
        }
        catch
        {
            run?.Dispose();
            folder?.Dispose();
            throw;
        }
    }

    /// <summary>Goes on in a new folder from the end of an epoch. The run that lends the checkpoint stays as it is.</summary>
    /// <param name="path">The folder of that run.</param>
    /// <param name="epoch">The epoch.</param>
    /// <param name="named">The new folder; null to name it by the epoch.</param>
    /// <param name="asked">The settings that may be new.</param>
    /// <param name="host">Takes notices.</param>
    /// <param name="processes">The processes that share the run.</param>
    /// <exception cref="RunException">The new folder is in use, the old one is damaged, or the run was begun with other images.</exception>
    internal static ContinuedRun Branch(
        string path, WantedEpoch epoch, string? named, Continuation asked, RunHost host, RunProcesses processes)
    {
        processes.Together(() => !processes.Writes || RunFolder.RequireFree(named));
        RunConfiguration old = processes.Together(() => RunFolder.ReadConfiguration(path));
        Checkpoint from = processes.Together(() => epoch.ReadCheckpoint(path));
        RunConfiguration begun = processes.Together(() => Lengthen(path, old, null, from, asked.Epochs, host));
        TrainingRun run = Prepare(path, begun, from, asked, host, processes);
        try
        {
            return new ContinuedRun(
                begun,
                processes.Together(() => processes.Writes ? CreateFolder(path, from, run, named, asked) : null),
                run,
                from);
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    /// <summary>Ends the threads of the run and releases its folder.</summary>
    public void Dispose()
    {
        _run?.Dispose();
        Folder?.Dispose();
    }

    // The run with the number of epochs that it goes on to.
    private static RunConfiguration Lengthen(
        string path, RunConfiguration old, RunResult? ended, Checkpoint? from, int? asked, RunHost host)
    {
        if (asked is not int epochs)
        {
            return old;
        }

        int done = from?.Epochs.Count ?? 0;
        if (epochs <= done || epochs < old.WarmupEpochs)
        {
            string why = epochs <= done ? $"has done {done} epochs already" : $"has a warm-up of {old.WarmupEpochs} epochs";
            throw new RunException(say => $"{say.Setting("epochs")} {epochs}: {path} {why}. Name more.");
        }

        if (ended is not null && old.EarlyStop <= done - from!.BestEpoch)
        {
            throw new RunException(say =>
                $"{path} ended early, after {done} epochs, by its {say.Setting("early stop")} {old.EarlyStop}, "
                + $"which would end it again. Leave {say.Setting("epochs")} out.");
        }

        if (epochs != old.Epochs)
        {
            host.Notices.Add(
                $"the run goes on to {epochs} epochs instead of {old.Epochs}; from here on, its learning rate is that of a "
                + $"{old.Schedule.ToString().ToLowerInvariant()} schedule of {epochs} epochs.");
        }

        return old.Lengthened(epochs);
    }

    private static TrainingRun Prepare(
        string path, RunConfiguration begun, Checkpoint? from, Continuation asked, RunHost host, RunProcesses processes)
    {
        RunPlan plan = begun.PlanOn(asked.Threads ?? begun.Threads);
        plan = plan with { Options = plan.Options with { CheckpointInterval = asked.Interval } };
        if (from is not null && plan.EpochsBefore.Contains(from.Options.Epochs) && from.Epochs.Count <= begun.Epochs)
        {
            from = from.WithEpochs(begun.Epochs);
        }

        DataSettings images = new(begun.Dataset, asked.Data ?? begun.Data, begun.Validation)
        {
            ImageSize = begun.ImageSize,
            Antialias = begun.Antialias,
            Context = begun.Context,
            MaxDamaged = asked.MaxDamaged,
        };
        TrainingData data = processes.FirstThenOthers(() => plan.Choose(asked.Images ?? images.Load(host)));
        TrainingRun run = processes.Together(() =>
        {
            TrainingRun made = new(plan, data, host, processes.Grid, isBegun: from is not null);
            try
            {
                host.Interruption.ThrowIfCancellationRequested();
                RequireSame(path, begun, made.Configuration, host);
                if (from is not null)
                {
                    made.Resume(from);
                }

                return made;
            }
            catch
            {
                made.Dispose();
                throw;
            }
        });
        processes.RequireSame(run.Configuration);
        return run;
    }

    private static void RequireSame(string folder, RunConfiguration begun, RunConfiguration now, RunHost host)
    {
        if (begun.FirstDifference(now, RunConfiguration.BesideResult) is var (name, was, other))
        {
            string differs = begun.IsText ? "text: characters" : begun.Dataset == Datasets.Folder ? "images: names or sizes of files"
                : "images: pixels";
            throw new RunException(say => name == RunConfiguration.ChecksumName
                ? $"{folder} was begun with other {differs} differ. Name the data that it was begun with by {say.Setting("data")}."
                : $"{folder} was begun with {name} {was}, but now {name} is {other}. "
                    + $"Name the data that it was begun with by {say.Setting("data")}, or restore its configuration.");
        }

        if (begun.Version != now.Version)
        {
            host.Notices.Add(
                $"the run was begun with version {begun.Version} of this program and goes on with {now.Version}, "
                + "which may compute in another order.");
        }
    }

    private static RunFolder CreateFolder(string path, Checkpoint from, TrainingRun run, string? named, Continuation asked)
    {
        CheckpointFolder others = RunFolder.CheckpointsIn(path);
        Checkpoint? best = from.BestEpoch < from.Epochs.Count && others.Epochs.Contains(from.BestEpoch)
            ? others.LoadEpoch(from.BestEpoch)
            : null;
        string byDefault = string.Create(
            CultureInfo.InvariantCulture, $"{Path.TrimEndingDirectorySeparator(path)}-from-epoch-{from.Epochs.Count}");
        Checkpoint[] kept = best is null ? [from] : [best, from];
        RunFolder folder = RunFolder.CreateAt(named, byDefault, run.Configuration, run.Blocks, asked.Checkpoints, kept);
        try
        {
            folder.Keep(from.EvaluatedModel());
            BeginEvents(path, run, folder, asked);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    private static void BeginEvents(string path, TrainingRun run, RunFolder? folder, Continuation asked)
    {
        if (folder is not null && (asked.TensorBoard || EventFile.IsIn(path)))
        {
            run.BeginEvents(folder);
        }
    }
}
