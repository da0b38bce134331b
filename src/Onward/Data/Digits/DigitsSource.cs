namespace Onward.Data;

/// <summary>The data set that needs no download: digits drawn by <see cref="ProceduralDigits"/>, identical in every run.</summary>
public static class DigitsSource
{
    /// <summary>Number of training images.</summary>
    public const int TrainingCount = 20_000;

    /// <summary>Number of test images.</summary>
    public const int TestCount = 4_000;

    // Seed of the data, not of a run. Runs with different seeds use the same data, so their errors can be compared.
    private const ulong DataSeed = 2023;

    /// <summary>Draws both sets on all cores. They share no example.</summary>
    /// <returns>20,000 training and 4,000 test images of 28x28x1, in ten classes.</returns>
    public static ImageDataset Load()
    {
        LabelledImages training = ProceduralDigits.GenerateImages(DataSeed, 0, TrainingCount);
        LabelledImages test = ProceduralDigits.GenerateImages(DataSeed, TrainingCount, TestCount);
        (float[] mean, float[] deviation) = PixelStatistics.Of(training);
        return new ImageDataset("digits", training, test, mean, deviation, $"drawn by this program, data seed {DataSeed}");
    }
}
