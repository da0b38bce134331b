namespace Onward.Data;

/// <summary>The data set that needs no download: digits drawn by <see cref="ProceduralDigits"/>, the same ones in every run.</summary>
public static class DigitsSource
{
    /// <summary>Images to learn from.</summary>
    public const int TrainingCount = 20_000;

    /// <summary>Images to test on.</summary>
    public const int TestCount = 4_000;

    // Names the data, not a run: runs of any seed share it, so that their errors compare.
    private const ulong DataSeed = 2023;

    /// <summary>Draws both sets, which share no example, on all cores.</summary>
    /// <returns>20,000 training and 4,000 test images of 28x28x1, in ten classes.</returns>
    public static ImageDataset Load()
    {
        LabelledImages training = ProceduralDigits.GenerateImages(DataSeed, 0, TrainingCount);
        LabelledImages test = ProceduralDigits.GenerateImages(DataSeed, TrainingCount, TestCount);
        (float[] mean, float[] deviation) = PixelStatistics.Of(training);
        return new ImageDataset("digits", training, test, mean, deviation, $"drawn by this program, data seed {DataSeed}");
    }
}
