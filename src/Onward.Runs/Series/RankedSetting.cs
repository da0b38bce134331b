namespace Onward.Runs;

/// <summary>The measurements of one setting of a sweep, over its seeds.</summary>
/// <param name="Values">The values of the options that vary, in the order of the options.</param>
/// <param name="Error">Error on the test set, or on images held out, in percent; null where every run diverged.</param>
/// <param name="TrainError">Error on the training set, in percent; null where every run diverged.</param>
/// <param name="Diverged">How many of the runs diverged; the other numbers are about the rest.</param>
/// <param name="ImagesPerSecond">Training speed, the median over seeds.</param>
/// <param name="Seconds">Time of a run, the median over seeds.</param>
internal sealed record RankedSetting(
    IReadOnlyList<string> Values,
    SeedStatistics? Error,
    SeedStatistics? TrainError,
    int Diverged,
    double? ImagesPerSecond,
    double? Seconds)
{
    /// <summary>Puts the runs of each setting together and sorts the settings, the lowest error first.</summary>
    /// <param name="settings">The values of each setting.</param>
    /// <param name="runs">The runs, setting by setting, as many for each.</param>
    internal static RankedSetting[] Rank(IReadOnlyList<IReadOnlyList<string>> settings, IReadOnlyList<EndedRun> runs)
    {
        int seeds = runs.Count / settings.Count;
        return
        [
            .. settings.Select((values, i) => Of(values, [.. runs.Skip(i * seeds).Take(seeds).Select(run => run.Result)]))
                .OrderBy(setting => setting.Error?.Mean ?? double.PositiveInfinity),
        ];
    }

    private static RankedSetting Of(IReadOnlyList<string> values, RunResult[] results)
    {
        RunResult[] whole = [.. results.Where(result => result.Divergence is null)];
        return new RankedSetting(
            values,
            SeedStatistics.Of([.. whole.Select(result => result.TestError!.Value)]),
            SeedStatistics.Of([.. whole.Select(result => result.TrainError!.Value)]),
            results.Length - whole.Length,
            SeedStatistics.Median(whole.Select(result => result.ImagesPerSecond!.Value)),
            SeedStatistics.Median(whole.Select(result => result.Seconds!.Value)));
    }
}
