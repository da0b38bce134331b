using Onward.Kernels;

namespace Onward.Data.Augmentation;

/// <summary>Makes views (augmented copies) of images according to a recipe.</summary>
/// <remarks>
/// A view depends only on the recipe, the image, the seed, the epoch, the number of the example and the number of the view.
/// Making a view allocates nothing. An instance is not safe for use by several threads at once: give each thread its own.
/// </remarks>
public sealed class ViewMaker
{
    // If one view in fifty is blank, all 16 draws are blank with probability 10^-27. Every view of a blank image is blank, hence the limit.
    private const int MostRedraws = 15;

    private readonly ViewRecipe _recipe;
    private readonly ulong _seed;
    private readonly int _height;
    private readonly int _width;
    private readonly int _channels;
    private readonly CropResampler _resampler;
    private readonly float[] _scratch; // [row, column, channel]

    /// <summary>Prepares views of one size.</summary>
    /// <param name="recipe">The operations and their probabilities.</param>
    /// <param name="seed">Seed of the random draws.</param>
    /// <param name="height">Rows of a view, at least 1.</param>
    /// <param name="width">Columns of a view, at least 1.</param>
    /// <param name="channels">Channels of images and views: 1 or 3, or any number if the recipe does not change colours.</param>
    /// <param name="antialias">True to smooth an image before it is made smaller; see <see cref="ImageSet.Antialias"/>.</param>
    /// <exception cref="ArgumentException">The recipe or a size is out of range, or the recipe does not fit the number of
    /// channels.</exception>
    public ViewMaker(ViewRecipe recipe, ulong seed, int height, int width, int channels, bool antialias = true)
    {
        ArgumentNullException.ThrowIfNull(recipe);
        recipe.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        if (channels is not (1 or 3) && (recipe.ColourJitterProbability > 0 || recipe.GrayscaleProbability > 0))
        {
            throw new ArgumentException(
                $"Colours can be changed in images of 1 or 3 channels; these have {channels}. "
                + "Use a recipe without colour jitter and grayscale.",
                nameof(channels));
        }

        (_recipe, _seed, _height, _width, _channels) = (recipe, seed, height, width, channels);
        _resampler = new CropResampler(height, width, channels, antialias);
        _scratch = new float[height * width * channels];
    }

    /// <summary>Makes one view of an image.</summary>
    /// <param name="source">The image, 0 to 255. [row, column, channel]</param>
    /// <param name="height">Rows of the image. An image of another size than the view is resized or cropped; see
    /// <see cref="CropKind"/>.</param>
    /// <param name="width">Columns of the image.</param>
    /// <param name="epoch">Number of the epoch, from 0.</param>
    /// <param name="example">Number of the image in its data set, from 0.</param>
    /// <param name="view">Number of the view among the views of this image in this epoch, from 0.</param>
    /// <param name="target">Receives intensities in [0, 1]. [row, column, channel]</param>
    /// <exception cref="ArgumentException">A size does not match a span, or a number is negative.</exception>
    public void Make(ReadOnlySpan<byte> source, int height, int width, int epoch, int example, int view, Span<float> target)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(example);
        ArgumentOutOfRangeException.ThrowIfNegative(view);
        if (target.Length != _scratch.Length || height < 1 || width < 1 || source.Length != (long)height * width * _channels)
        {
            throw new ArgumentException(
                $"A view of {_height}x{_width}x{_channels} from an image of {height}x{width}x{_channels} needs spans of these sizes; "
                + $"got {target.Length} and {source.Length} values.");
        }

        RandomStream stream = new(_seed, RandomPurpose.Augmentation, Step: (uint)epoch, Pass: (uint)view, Example: (uint)example);
        for (int redraws = 0; redraws <= MostRedraws; redraws++)
        {
            ViewParameters drawn = ViewParameters.Draw(_recipe, stream, height, width, redraws);
            Crop(source, height, width, drawn.Crop, target);
            Change(target, drawn);
            if (!_recipe.RedrawsBlank || !IsBlank(target))
            {
                return;
            }
        }
    }

    // True if every pixel equals the one before it. The comparison usually ends within the first rows.
    private bool IsBlank(ReadOnlySpan<float> view) => view[_channels..].SequenceEqual(view[..^_channels]);

    private void Crop(ReadOnlySpan<byte> source, int height, int width, Rectangle crop, Span<float> target)
    {
        if (_recipe.Crop == CropKind.Area)
        {
            _resampler.Apply(source, width, crop, target);
            return;
        }

        if (_recipe.Crop != CropKind.Centre && (height, width) == (_height, _width))
        {
            Cropping.CutPadded(source, 255, height, width, _channels, crop.Top, crop.Left, target);
            return;
        }

        _resampler.Apply(source, width, Rectangle.Centre(height, width, _height, _width), target);
        if (_recipe.Crop == CropKind.Padded)
        {
            target.CopyTo(_scratch);
            Cropping.CutPadded<float>(_scratch, 1, _height, _width, _channels, crop.Top, crop.Left, target);
        }
    }

    private void Change(Span<float> view, in ViewParameters drawn)
    {
        if (drawn.Flips)
        {
            Cropping.Flip(view, _width, _channels);
        }

        if (drawn.Jitters)
        {
            Jitter(view, drawn);
        }

        if (drawn.Grays && _channels == 3)
        {
            ColourOperations.Gray(view);
        }

        if (drawn.Blurs)
        {
            GaussianBlur.Apply(view, _height, _channels, drawn.Deviation, _scratch);
        }

        if (drawn.Solarises)
        {
            ColourOperations.Solarise(view);
        }

        ColourOperations.Clip(view);
    }

    private void Jitter(Span<float> view, in ViewParameters drawn)
    {
        Span<int> left = [0, 1, 2, 3];
        int order = drawn.JitterOrder;
        for (int count = left.Length; count > 0; count--)
        {
            int chosen = order % count;
            order /= count;
            switch (left[chosen])
            {
                case 0:
                    ColourOperations.Brighten(view, drawn.Brightness);
                    break;
                case 1:
                    ColourOperations.ScaleContrast(view, _channels, drawn.Contrast);
                    break;
                case 2 when _channels == 3:
                    ColourOperations.ScaleSaturation(view, drawn.Saturation);
                    break;
                case 3 when _channels == 3:
                    ColourOperations.TurnHue(view, drawn.Hue);
                    break;
            }

            left[chosen] = left[count - 1];
        }
    }
}
