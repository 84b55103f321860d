# A Rails shop without a web server: a line in, an answer as a line of JSON out.
#
#   fetch ID     the product's name, through Rails.cache.fetch(product)
#   plain ID     the product's page: a fragment whose key has no template digest
#   show ID      the same, with the digest
#   digest       the template's digest, which such a key holds
#   list         all products, under the version that is bumped
#   category ID  the products of a category
require "active_record"
require "action_controller"
require "json"

CACHE =
  if ENV["REDIS"]
    ActiveSupport::Cache::RedisCacheStore.new(path: ENV["REDIS"], namespace: "shop")
  else
    ActiveSupport::Cache::MemCacheStore.new(ENV["MEMCACHED"], namespace: "shop")
  end
MADE = []

ActiveRecord::Base.establish_connection(
  adapter: "postgresql", host: ENV["DATABASE_HOST"], database: ENV["DATABASE_NAME"],
  username: "postgres"
)

class Product < ActiveRecord::Base
  self.cache_versioning = true # as new applications have it since Rails 5.2

  def shown_name
    MADE << "fragment"
    name
  end
end

class Category < ActiveRecord::Base
  self.cache_versioning = true
end

class ProductsController < ActionController::Base
  self.cache_store = CACHE
  self.perform_caching = true
  prepend_view_path File.join(__dir__, "views")

  def show
    @product = Product.find(params[:id])
  end

  def plain
    show
  end
end

def fetch(id)
  product = Product.find(id)
  CACHE.fetch(product) do
    MADE << "product"
    product.name
  end
end

def list
  version = CACHE.read("products/version", raw: true)
  CACHE.fetch(["products/list", version]) do
    MADE << "list"
    Product.order(:id).pluck(:name).join(", ")
  end
end

def category(id)
  category = Category.find(id)
  CACHE.fetch([category, "products"]) do
    MADE << "category"
    Product.where(category_id: id).order(:id).pluck(:name).join(", ")
  end
end

def page(action, id)
  env = Rack::MockRequest.env_for("/products/#{id}")
  env["action_dispatch.request.path_parameters"] =
    { controller: "products", action: action, id: id }
  _, _, body = ProductsController.action(action).call(env)
  body.each.to_a.join.strip
end

def digest
  finder = ProductsController.new.lookup_context
  ActionView::Digestor.digest(name: "products/show", format: :html, finder: finder)
end

$stdin.each_line do |line|
  what, id = line.split
  MADE.clear
  text =
    case what
    when "fetch" then fetch(id)
    when "digest" then digest
    when "list" then list
    when "category" then category(id)
    else page(what.to_sym, id)
    end
  puts JSON.generate(text: text, made: MADE)
  $stdout.flush
end
