using Onward.Data;

namespace Onward.Runs;

/// <summary>The images of a run.</summary>
/// <param name="Dataset">The data set's name.</param>
/// <param name="Images">Images to train on and, as the test set, those that errors are reported on.</param>
/// <param name="Directory">The full path of the folder that the user named; null where the data was found or drawn.</param>
/// <param name="Validation">Training images that stand in for the test set; 0 where the test set serves.</param>
internal sealed record TrainingData(string Dataset, ImageDataset Images, string? Directory, int Validation)
{
    /// <summary>True if errors are reported on the training images themselves.</summary>
    internal bool LearnsWhatItTests { get; init; }

    /// <summary>The images that errors are reported on: test, validation or training.</summary>
    internal string HeldOut => LearnsWhatItTests ? "training" : Validation > 0 || HasValidationSet ? "validation" : "test";

    /// <summary>True if the data set has images to choose by of its own, which then serve in place of the test set.</summary>
    internal bool HasValidationSet => Images.Validation is not null;
}
