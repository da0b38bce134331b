using Onward.Formats;
using Onward.Losses;
using Onward.Models;
using Onward.Training;

namespace Onward.Runs;

/// <summary>
/// A training run that is kept in a folder. Opened again after its process was killed, the run continues from its last checkpoint and
/// ends with the same weights, bit for bit, as a run without interruption.
/// </summary>
public sealed class KeptRun : IDisposable
{
    private const int KeptCheckpoints = 2;

    private readonly TrainingRun? _run;
    private readonly RunFolder _folder;
    private readonly RunResult? _ended;

    private KeptRun(TrainingRun? run, RunFolder folder, RunResult? ended) => (_run, _folder, _ended) = (run, folder, ended);

    /// <summary>
    /// Sentences to tell the user: a damaged checkpoint was passed over, or the run was begun by another version, or with vectors of
    /// another width.
    /// </summary>
    public IReadOnlyList<string> Notices { get; private init; } = [];

    /// <summary>The file of the model after the last epoch that has ended, in the safetensors format.</summary>
    public string ModelPath => _folder.ModelPath;

    /// <summary>Number of epochs that had ended when the run was opened; 0 for a new run.</summary>
    public int EpochsDone { get; private init; }

    /// <summary>Begins a run in a new folder, or continues the run that the folder holds.</summary>
    /// <param name="folder">The folder of the run: empty, missing, or the folder of an earlier call with the same arguments.</param>
    /// <param name="dataset">Name of the data set, as in <c>onward train --dataset</c>; <c>digits</c> needs no files.</param>
    /// <param name="model">
    /// Name of the preset (<see cref="LocalMixerPresets.Names"/>) or network (<see cref="NamedNetworks.Names"/>).
    /// </param>
    /// <param name="rule">The paper's name of the learning rule, such as <c>LG-FG-A</c>.</param>
    /// <param name="training">Epochs, batch size, rates, seed, and the time between checkpoints.</param>
    /// <param name="data">Folder with the files of the data set; null to look for them.</param>
    /// <param name="threads">Number of threads, which changes no result; null for one on each processor.</param>
    /// <param name="cancellation">Ends the run after the step under way; a checkpoint is kept.</param>
    /// <exception cref="RunException">A name is unknown, or the folder is in use, damaged, or holds another run.</exception>
    /// <exception cref="ModelFileException">The checkpoint is of another rule, model, data set or training.</exception>
    public static KeptRun Open(
        string folder,
        string dataset,
        string model,
        string rule,
        TrainingOptions training,
        string? data = null,
        int? threads = null,
        CancellationToken cancellation = default)
    {
        RequireName("data set", dataset, Datasets.Names);
        RequireName("model", model, ModelSettings.Names);
        RequireName("rule", rule, PaperRules.Names);
        RunHost host = new() { Interruption = cancellation };
        ObjectiveSettings objective = ObjectiveSettings.Default with
        {
            ReadoutRateScale = training.ReadoutRateScale,
        };
        RunPlan plan = new(
            ModelSettings.Default(model),
            RuleSettings.Default(rule, threads ?? Processors.Share),
            LossScope.All,
            objective,
            AugmentationSettings.Default(dataset),
            training);
        TrainingData images = new DataSettings(dataset, data, 0).Load(host);
        return File.Exists(Path.Combine(folder, RunFolder.ConfigurationName))
            ? Continue(folder, plan, images, host)
            : Begin(folder, plan, images, host);
    }

    /// <summary>Trains to the end and keeps every epoch. A run that has ended before is not trained again.</summary>
    /// <param name="epochEnded">Takes the measurements of each epoch that ends.</param>
    /// <returns>The result, as <c>result.json</c> holds it.</returns>
    /// <exception cref="TrainingDivergedException">The loss is no longer a number.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; open it again to continue.</exception>
    /// <exception cref="RunException">The folder cannot be written.</exception>
    public RunResult Train(Action<EpochMetrics>? epochEnded = null) => _ended ?? _run!.Train(_folder, new Listener(epochEnded));

    /// <summary>Ends the threads of the run and releases its folder.</summary>
    public void Dispose()
    {
        _folder.Dispose();
        _run?.Dispose();
    }

    private static KeptRun Begin(string folder, RunPlan plan, TrainingData images, RunHost host)
    {
        TrainingRun run = new(plan, plan.Choose(images), host);
        try
        {
            RunFolder.RequireFree(folder);
            return new KeptRun(run, RunFolder.Create(folder, run.Configuration, run.Blocks, KeptCheckpoints), null);
        }
        catch
        {
            run.Dispose();
            throw;
        }
    }

    private static KeptRun Continue(string folder, RunPlan plan, TrainingData images, RunHost host)
    {
        TrainingData chosen = plan.Choose(images);
        RunConfiguration now = RunConfiguration.Of(plan, chosen, plan.CreateModel(chosen).Values.Layout.Count);
        if (RunFolder.ReadConfiguration(folder).FirstDifference(now, RunConfiguration.BesideResult) is var (name, was, other))
        {
            throw new RunException(
                $"{folder} was begun with {name} {was}, but now {name} is {other}. "
                + "Name another folder, or the arguments that it was begun with.");
        }

        Continuation asked = new()
        {
            Images = images,
            Threads = plan.Rule.Threads,
            Interval = plan.Options.CheckpointInterval,
            Checkpoints = KeptCheckpoints,
        };
        ContinuedRun continued = ContinuedRun.Open(folder, asked, host, RunProcesses.One);
        return continued.Ended is RunResult result
            ? new KeptRun(null, continued.Folder!, result) { EpochsDone = result.Epochs ?? 0, Notices = [.. host.Notices] }
            : new KeptRun(continued.Run, continued.Folder!, null)
            {
                EpochsDone = continued.From?.Epochs.Count ?? 0,
                Notices = [.. host.Notices],
            };
    }

    private static void RequireName(string what, string name, IReadOnlyList<string> names)
    {
        if (!names.Contains(name))
        {
            throw new RunException($"there is no {what} '{name}'. Name one of {string.Join(", ", names)}.");
        }
    }

    private sealed class Listener(Action<EpochMetrics>? epochEnded) : TrainingDisplay
    {
        internal override TrainingResult Show(Func<TrainingResult> run) => run();

        internal override void Progress(TrainingProgress progress)
        {
        }

        internal override void EpochEnded(EpochMetrics epoch) => epochEnded?.Invoke(epoch);
    }
}
