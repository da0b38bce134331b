using System.Globalization;
using Onward.Training;

namespace Onward.Runs;

/// <summary>
/// Several runs on the same images, one after another, each in a folder of its own below one folder. A run that has ended is not repeated.
/// </summary>
internal sealed class RunSeries
{
    // Tells nothing of what was trained: where images came from is a description, their folder is an option of its own, how
    // they were standardised follows from them, and the machine changes no more than the last bits.
    private static readonly string[] NotCompared = ["datasetSource", "images", "environment"];

    private readonly string _folder;
    private readonly TrainingData _data;
    private readonly RunHost _host;
    private readonly Func<RunConfiguration, TrainingDisplay> _display;
    private readonly List<PlannedRun> _runs = [];

    /// <summary>Plans the runs; all that can be wrong with them is found here, and nothing is written.</summary>
    /// <param name="folder">The folder above the runs' own.</param>
    /// <param name="plans">The runs, each with the name of its folder.</param>
    /// <param name="data">Their images.</param>
    /// <param name="host">Takes messages.</param>
    /// <param name="display">Makes the display of each run.</param>
    internal RunSeries(
        string folder,
        IReadOnlyList<(string Name, RunPlan Plan)> plans,
        TrainingData data,
        RunHost host,
        Func<RunConfiguration, TrainingDisplay> display)
    {
        (_folder, _data, _host, _display) = (folder, data, host, display);
        RunFolder.RequireNoFile(folder);
        foreach ((string name, RunPlan asked) in plans)
        {
            string path = Path.Combine(folder, name);
            RunPlan plan = asked.FitTo(data, host);
            TrainingData chosen = plan.Choose(data);
            long parameters = plan.CreateModel(chosen).Values.Layout.Count;
            plan.WarnOfLargePatches(chosen, parameters, host);
            bool ended = RunFolder.TryReadResult(path) is not null;
            if (ended)
            {
                RequireSame(path, RunConfiguration.Of(plan, chosen, parameters));
            }
            else
            {
                RunFolder.RequireNoCheckpoints(path);
            }

            _runs.Add(new PlannedRun(path, plan, ended));
        }
    }

    /// <summary>The name of a run that its rule and its seed tell from the others.</summary>
    internal static string NameOf(RunPlan plan) =>
        string.Create(CultureInfo.InvariantCulture, $"{plan.Rule.Rule}-seed{plan.Training.Seed}");

    /// <summary>Trains what has not been trained, and reads all results from their folders.</summary>
    /// <exception cref="InterruptedException">The user ended it; what has ended is kept.</exception>
    internal IReadOnlyList<EndedRun> Run()
    {
        using RunLock mine = Claim();
        List<EndedRun> ended = [];
        foreach (PlannedRun run in _runs)
        {
            string name = string.Create(
                CultureInfo.InvariantCulture, $"run {ended.Count + 1} of {_runs.Count}, {Path.GetFileName(run.Folder)}");
            if (!run.Ended)
            {
                _host.Tell($"{name}: training {run.Plan.Model.Name} in {run.Folder}");
                try
                {
                    Train(run);
                }
                catch (OperationCanceledException fault)
                {
                    int done = _runs.Count(other => RunFolder.TryReadResult(other.Folder) is not null);
                    throw new InterruptedException(
                        $"interrupted; {done} of {_runs.Count} runs have ended. Give the same command again to go on.", fault);
                }
            }

            ended.Add(EndedRun.Read(run.Folder));
            _host.Tell($"{name}: {(run.Ended ? "ended before, " : "")}{Describe(ended[^1].Result)}");
        }

        return ended;
    }

    private void Train(PlannedRun run)
    {
        _host.Interruption.ThrowIfCancellationRequested();
        using TrainingRun training = new(run.Plan, run.Plan.Choose(_data), _host);
        RunFolder.Clear(run.Folder);
        using RunFolder folder = RunFolder.Create(run.Folder, training.Configuration, training.Blocks);
        try
        {
            training.Train(folder, _display(training.Configuration));
        }
        catch (TrainingDivergedException)
        {
            // The result says so; the others go on.
        }
    }

    private string Describe(RunResult result) => result.Divergence is null
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"{_data.HeldOut} error {Figures.Percent(result.TestError!.Value)}, train error {Figures.Percent(result.TrainError!.Value)}, ")
            + Figures.Duration(TimeSpan.FromSeconds(result.Seconds!.Value))
        : "diverged";

    // Two programs at work in one folder would remove each other's runs.
    private RunLock Claim()
    {
        try
        {
            Directory.CreateDirectory(_folder);
            return RunLock.TryTake(_folder, deletes: true) ?? throw new RunException(
                say => $"{_folder}: another process trains runs there. Wait until it ends, or name another folder{say.With("folder")}.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw RunFolder.Unwritable(_folder, fault);
        }
    }

    private static void RequireSame(string folder, RunConfiguration asked)
    {
        if (RunFolder.ReadConfiguration(folder).FirstDifference(asked, NotCompared) is var (name, was, now))
        {
            throw new RunException(say =>
                $"{folder} was trained with {name} {was}, but now {name} is {now}. "
                + $"Name another folder{say.With("folder")}, or move that one elsewhere.");
        }
    }

    private sealed record PlannedRun(string Folder, RunPlan Plan, bool Ended);
}

/// <summary>A run as its folder holds it.</summary>
/// <param name="Configuration">Its options.</param>
/// <param name="Result">Its result.</param>
/// <param name="TestErrors">Errors on the test set, epoch by epoch, in percent.</param>
internal sealed record EndedRun(RunConfiguration Configuration, RunResult Result, IReadOnlyList<double> TestErrors)
{
    /// <summary>Reads a run that has ended.</summary>
    internal static EndedRun Read(string folder)
    {
        EndedRun run = new(
            RunFolder.ReadConfiguration(folder),
            RunFolder.TryReadResult(folder) ?? throw new RunException($"{folder}: the run's result is gone. Give the same command again."),
            [.. MetricsFile.Read(folder).Select(epoch => epoch.TestError)]);
        return run.Result.Divergence is not null || run.TestErrors.Count == (run.Result.Epochs ?? run.Configuration.Epochs)
            ? run
            : throw new RunException(
                $"{folder}: its metrics hold {run.TestErrors.Count} of {run.Configuration.Epochs} epochs. "
                + "Move the folder elsewhere and give the command again to train it again.");
    }
}
