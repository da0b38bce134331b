using System.Globalization;
using Onward.Data;
using Onward.Data.Augmentation;
using Onward.Formats;
using Onward.Models;
using Onward.Training;

namespace Onward.Runs;

/// <summary>The summaries of a run for TensorBoard. A step is an epoch, like a line of <c>metrics.csv</c>.</summary>
internal static class TensorBoard
{
    private const int Views = 8;

    /// <summary>Describes an epoch by its measurements and by histograms of the weights after it.</summary>
    internal static EventSummary Describe(Network model, EpochMetrics epoch)
    {
        string learnt = model.IsSelfSupervised ? "contrastive" : "train";
        EventSummary summary = new EventSummary()
            .AddScalar($"loss/{learnt}", epoch.TrainLoss)
            .AddScalar("loss/test", epoch.TestLoss)
            .AddScalar($"error/{learnt}", epoch.TrainError)
            .AddScalar("error/test", epoch.TestError)
            .AddScalar("learning_rate", epoch.LearningRate)
            .AddScalar("images_per_second", epoch.ImagesPerSecond);
        for (int k = 0; k < epoch.BlockLosses.Count; k++)
        {
            summary.AddScalar(string.Create(CultureInfo.InvariantCulture, $"local_loss/block_{k}"), epoch.BlockLosses[k]);
        }

        for (int k = 0; k < epoch.Gradients.Count; k++)
        {
            summary.AddScalar(string.Create(CultureInfo.InvariantCulture, $"gradient_norm/block_{k}"), epoch.Gradients[k].Norm)
                .AddScalar(string.Create(CultureInfo.InvariantCulture, $"gradient_cosine/block_{k}"), epoch.Gradients[k].Cosine);
        }

        for (int k = 0; k < epoch.NoiseLeft.Count; k++)
        {
            summary.AddScalar(string.Create(CultureInfo.InvariantCulture, $"noise_left/block_{k}"), epoch.NoiseLeft[k]);
        }

        foreach (Parameter weight in model.Values.Layout.Parameters.Where(parameter => parameter.IsMatrix))
        {
            summary.AddHistogram($"weights/{weight.Name}", model.Values[weight]);
        }

        return summary;
    }

    /// <summary>The views of the images that training begins with.</summary>
    internal static EventSummary DescribeViews(ImageDataset data, TrainingOptions options)
    {
        EventSummary summary = new();
        ImageSet images = data.Training;
        if (images.IsText)
        {
            return summary;
        }

        ViewRecipe[] recipes = [options.Augmentation, .. options.SecondView is ViewRecipe second ? new[] { second } : []];
        using BatchLoader loader = new(
            images, data.Mean, data.StandardDeviation, Math.Min(Views, options.BatchSize), options.Seed, recipes);
        ImageBatch batch = loader.Epoch(0).First();
        for (int i = 0; i < batch.Count; i++)
        {
            float[] view = batch.Pixels[(i * images.ImageLength)..((i + 1) * images.ImageLength)];
            for (int at = 0; at < view.Length; at++)
            {
                view[at] = (view[at] * data.StandardDeviation[at % images.Channels]) + data.Mean[at % images.Channels];
            }

            (int number, int image) = Math.DivRem(i, batch.Images);
            string name = string.Create(
                CultureInfo.InvariantCulture, $"training_views/image_{image}{(recipes.Length > 1 ? $"_view_{number}" : "")}");
            summary.AddImage(name, PngImage.Encode(view, images.Height, images.Width, images.Channels), images.Height, images.Width);
        }

        return summary;
    }
}
